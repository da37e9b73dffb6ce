// The types of pagewire.js and hook.js, for them and for who imports pagewire.mjs and hook.mjs.

declare namespace Pagewire {
  interface Options {
    /** `ws://127.0.0.1:9999`, `http://…`, `wss://…`; a path is a prefix of the hub's. Default: the hub that served the script. */
    url?: string;
    group: string;
    /** Needed to call and to subscribe, and to attach where the page's origin alone may not. */
    token?: string;
  }

  interface Param {
    name: string;
    /** Default false. */
    required?: boolean;
    /** JSON Schema; default `{}`, anything. */
    schema?: any;
    description?: string;
  }

  interface About {
    description?: string;
    /** The arguments in their order. `{ sku: { type: "string" } }` is short for a required one with that schema. */
    params?: Param[] | Record<string, object>;
    /** JSON Schema of the result, or of each value of a stream. */
    result?: object;
    /** Answers with a stream: a hint for programs. */
    stream?: boolean;
    /** May run twice for one call: the hub asks another page of the group when this one is lost before it answered. */
    idempotent?: boolean;
  }

  /**
   * Called with `this` = `{ id, signal, traceparent }`, which an arrow function does not see. An iterator that it returns, such as a
   * generator's, is streamed. `signal` aborts when nobody waits for the answer any more: with an AbortError (cancelled,
   * link lost) or, when the hub says that the deadline is over, a TimeoutError. A generator is returned then.
   */
  type PageFunction = (this: Call, ...args: any[]) => unknown;

  interface Call {
    id: number;
    signal: AbortSignal;
    /** The program's W3C trace context, where it sent one. */
    traceparent?: string;
  }

  /** `function`: `group/function`. `timeout`: in milliseconds; default: the hub's. */
  interface Target {
    function: string;
    timeout?: number;
    signal?: AbortSignal;
    stream?: boolean;
  }

  /** `lost` values are no longer kept, or `reset`: the hub began anew and nobody knows how many. `seq` comes next. */
  interface Gap {
    lost?: number;
    reset?: true;
    seq: number;
  }

  /** Gets each value with its place; for a gap `value` is undefined and `at` is `{ gap }` alone. `time`: Unix milliseconds. */
  type Follower = (value: any, at: { seq?: number; cursor?: string; time?: number; gap?: Gap }) => void;

  interface Link {
    /** The page id that the hub gave; kept over lost links and reloads. */
    readonly page: string | undefined;
    /**
     * Lets programs call `fn` and, once attached, prints the `curl` line that does. Returns what takes it back.
     * Throws a TypeError for a name that is not 1 to 64 letters, digits, `_` or `-`.
     */
    expose(name: string, fn: PageFunction, about?: About): () => void;
    /** Publishes to `pages/{group}/{topic}`. Rejects with −32003 while not attached; nothing is queued. */
    publish(topic: string, value: unknown): Promise<{ topic: string; seq: number }>;
    /**
     * Calls `group/function` of another page, with `stream` value by value: leaving the loop cancels the call.
     * Rejects with a `Fault`: −32003 while not attached and when the link is lost, else what the hub says; with
     * `signal.reason` when the signal aborts.
     */
    call(target: Target & { stream: true }, ...args: unknown[]): AsyncGenerator<any>;
    call(target: string | Target, ...args: unknown[]): Promise<any>;
    /**
     * Follows a topic until the returned function is called, over lost links from where it was. Rejects when the hub refuses.
     * Before the link is open it resolves at once, and a refusal comes as `error`.
     */
    subscribe(topic: string, follower: Follower, start?: { since?: string | number; last?: number; filter?: string }): Promise<() => void>;
    /** Returns what ends it. `error` says in words what keeps the page from attaching, once for each thing that does. */
    on(type: "open", listener: (event: Event) => void): () => void;
    on(type: "close", listener: (event: CloseEvent) => void): () => void;
    on(type: "error", listener: (event: ErrorEvent) => void): () => void;
    /** Detaches for good. */
    close(): void;
  }

  /** The errors of calls, publishing and subscribing. `code` is of docs/protocol.md, section 2. */
  interface Fault extends Error {
    code: number;
    data?: unknown;
  }

  function connect(options: Options): Link;

  interface HookOptions {
    /**
     * Which sockets: `*` is any text, `?` any one character, all else itself, and the whole URL must fit.
     * `wss://push.example.com/*`; the default `*` is every socket. Links to hubs are never among them.
     */
    url?: string;
    /** Only frames of this direction. Default: both. */
    direction?: "received" | "sent";
  }

  /**
   * What is published of a socket, in the order in which it was seen, to topic `sockets/{number}-{host}`: the lowest number that no
   * other open socket to this host has. `size`: bytes of the payload; `at_us`: microseconds on the page's own clock, which never
   * goes back; `time_ms`: Unix milliseconds.
   */
  type SocketValue = { at_us: number; time_ms: number } & (
    /** `seen`: the socket was open before it was seen, so its first frames were not. User name, password and values in the URL's query are `REDACTED`: they may be secrets. */
    | { kind: "open"; connection: string; url: string; target: "tab" | "iframe" | "worker"; status?: 101; seen?: "late" }
    | { kind: "text"; direction: "received" | "sent"; size: number; text: string }
    | { kind: "binary"; direction: "received" | "sent"; size: number; base64: string }
    | { kind: "error"; text: string }
    | { kind: "close"; code: number; reason: string }
  ) | { kind: "lost"; count: number };

  /**
   * hook.js: publishes what the page's own WebSockets receive and send, from now on; also those that are open already, as soon
   * as the page sends through one or looks into a message of it. The page sees no difference. While the link is not open, values
   * wait, up to `QUEUE_BYTES_MAX` (8 MiB). What is lost then, with the link or because the hub refuses it, is counted in a
   * value `lost` before the next value of its socket.
   *
   * Returns what takes the hook away again; what waits still goes out if the link is open. Throws a TypeError where the page made
   * `WebSocket` unchangeable.
   */
  function hook(link: Pick<Link, "call" | "on" | "publish">, options?: HookOptions): () => void;
}

declare var pagewire: { connect: typeof Pagewire.connect; version: string; hook?: typeof Pagewire.hook };

/** What pagewire.js keeps to itself. */
declare namespace Pagewire {
  /** A function of the page. */
  interface Exposed extends About {
    name: string;
    params?: Param[];
    fn: PageFunction;
  }

  /** A topic that is followed. `number` is what the hub calls it on the present link. */
  interface Followed {
    /** Where to begin; after its first value, where it has come to. */
    start: { topic: string; since?: string | number; last?: number; filter?: string };
    follower: Follower;
    number: number;
  }

  /** A call of the hub that runs here. `wake` ends its wait for credit. */
  interface Run extends AbortController {
    id: number;
    credit: number;
    traceparent?: string;
    wake?(value?: unknown): void;
  }

  interface Welcome {
    page?: string;
    epoch?: number;
    limits?: any;
  }

  interface Message {
    id?: number;
    method?: any;
    params?: any;
    result?: unknown;
    error?: { code: number; message: string; data?: unknown };
    credit?: number;
    deadline_ms?: number;
  }

  interface Inner {
    ws: WebSocket | undefined;
    welcome: Welcome;
    /** Sends `message` with `value` as its member `name` ("value": a member of its `params`), if it may be sent now; tells whether it may. */
    send(message: { method?: string; id?: number; params?: object }, value: unknown, name?: "params" | "value" | "result" | "error"): boolean;
    request(message: { method: string; params?: object; deadline_ms?: number; credit?: number }, value: unknown, name?: "params" | "value", sink?: ReadableStreamDefaultController, id?: number): Promise<any>;
    receive(message: Message): void;
    answer(call: any): void;
    perform(run: Run, fn: Function, params: unknown): Promise<void>;
    tell(words: { message: string }): void;
    hello(): Promise<void>;
    attach(): Promise<void>;
    obstacle(healthy: boolean): Promise<string>;
    follow(topic: Followed): Promise<void>;
    deliver(subscription: number, value: unknown, at: any): void;
    show(exposed: Exposed): void;
  }

  type Handlers = Record<string, (params: any, id?: number) => unknown>;

  /** `connect` as it is written: before the kinds of `call` and `on` are told apart. */
  type Connect = (options: Options) => Omit<Link, "call" | "on"> & {
    call(target: string | Target, ...args: unknown[]): any;
    on(type: string, listener: (event: any) => void): () => void;
  };

  interface Wire {
    isBytes(value: any): boolean;
    /** A generator's or another; arrays, Maps and strings have no `next`. */
    isIterator(value: any): boolean;
    json(value: unknown): string;
    encode(message: object, value: any, name: string): any;
    decode(data: string | ArrayBuffer): Message;
    fault(error: { code: number; message: string; data?: unknown }): Fault;
    error(thrown: any): { code: number; message: string; data: object };
    samples: Record<string, unknown>;
    name(name: string): string;
  }
}

/** What hook.js keeps to itself. */
declare namespace Pagewire {
  /** A socket that was looked at; without a topic it is none that is wanted. `lost`: values that nobody was told of yet. */
  interface Hooked {
    topic?: string;
    lost: number;
  }

  interface Hooking {
    /** Resolves while the link is open. */
    opened?: Promise<void>;
    open(): void;
    close(): void;
    put(socket: Hooked, value: any, size?: number): void;
    publish(socket: any, value: any, cost: number): void;
    /** The first look at a socket decides whether it is wanted. */
    follow(target: WebSocket): Hooked | undefined;
    on(target: WebSocket, type: string, work: (event: any) => void): void;
    receive(event: any): void;
    frame(target: any, way: "received" | "sent", data: unknown): void;
  }

  interface HookTools {
    pattern(url: string): RegExp;
    /** Without what may be a secret: user name and password, values in the query. */
    unsigned(url: string): string;
    time(): { at_us: number; time_ms: number };
    /** The page's own bytes or Blob; undefined for what is sent as text. */
    bytes(data: any): any;
    /** `value` with its `base64`, or a promise of it. */
    filled(value: object, data: Uint8Array | Blob): any;
    /** Nothing that is thrown in `work` reaches the page. */
    safely(work: () => unknown): void;
    /** Looks at each call of a function before it is made. */
    door(owner: object, name: string, part: "value" | "get", look: (target: any, args: any[]) => void): () => void;
    /** Replaces a part of a property. Returns what puts it back, unless somebody else has replaced it since. */
    patch(owner: object, name: string, part: "value" | "get", by: unknown): () => unknown;
  }
}

/** Permissions that TypeScript's DOM doesn't know yet, such as loopback-network. */
interface Permissions {
  query(wanted: { name: string }): Promise<PermissionStatus>;
}

/** Newer browsers have it. */
interface Uint8Array {
  toBase64?(): string;
}

interface SVGScriptElement {
  readonly src?: undefined;
}
