// ==UserScript==
// @name               Pagewire {{group}}
// @namespace          {{hub}}
// @version            {{version}}
// @description        Lets programs on your machine call functions of this page (group {{group}})
// @description:zh-CN  让本机程序调用此网页的函数（分组 {{group}}）
{{matches}}
// @run-at             document-start
// @early-start
// @inject-into        page
// @grant              none
// @noframes
// @downloadURL        none
// ==/UserScript==

(() => {

// ======== Edit here · 在此编辑 ===========================================================================
// What programs may call · 供程序调用的函数：
//   curl -X POST {{hub}}/v1/call/{{path}}/title

const yours = (pw) => {
	pw.expose("title", () => document.title);
};

// The hub must let pages of this site attach: start it with --allow-origin and the site's origin, such as
//   pagewire serve --allow-origin https://shop.example
// or put a token with attach:{{group}} here. Scripts of the page might get at it: let it hold no other scope.
// hub 须允许本站网页接入：启动时加 --allow-origin，或在此填写只有 attach:{{group}} 权限的令牌。
const token = "";

// ======== The rest stays as it is · 以下无需改动 =========================================================

{{bridge}}
{{hook}}
const pw = pagewire.connect({ url: {{url}}, group: {{name}}, token });
{{hooking}}yours(pw);

})();
