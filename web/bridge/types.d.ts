// The types of pagewire.js, for it and for who imports pagewire.mjs.

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
    subscribe(topic: string, follower: Follower, start?: { since?: string | number; last?: number }): Promise<() => void>;
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
}

declare var pagewire: { connect: typeof Pagewire.connect; version: string };

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
    start: { topic: string; since?: string | number; last?: number };
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

/** Permissions that TypeScript's DOM doesn't know yet, such as loopback-network. */
interface Permissions {
  query(wanted: { name: string }): Promise<PermissionStatus>;
}

interface SVGScriptElement {
  readonly src?: undefined;
}
