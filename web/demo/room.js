// What `pagewire demo` runs in the page of the live room, as `pagewire attach --script FILE` would. `pagewire` is the page's link.
pagewire.expose("sign", (parameters) => roomSigner.frontierSign(parameters), {
  description: "Signs as the page does for the address of its own socket",
  params: { parameters: { type: "object", required: ["X-MS-STUB"] } },
});
