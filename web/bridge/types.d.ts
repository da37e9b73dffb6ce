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
  }

  /**
   * An iterator that it returns, such as a generator's, is streamed. `signal` aborts when nobody waits for the
   * answer any more: an AbortError (cancelled, link lost) or a TimeoutError (its deadline).
   */
  type PageFunction = (this: { id: number; signal: AbortSignal }, ...args: any[]) => unknown;

  /** `timeout` in milliseconds. */
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

  /** Gets each value with its place; for a gap `value` is undefined and `at` is `{ gap }`. `time` is Unix milliseconds. */
  type Follower = (value: any, at: { seq?: number; cursor?: string; time?: number; gap?: Gap }) => void;

  interface Link {
    /** The page id the hub gave. */
    readonly page: string | undefined;
    readonly state: "connecting" | "open" | "closed";
    /** Lets programs call `fn`. Returns what takes it back. */
    expose(name: string, fn: PageFunction, about?: About): () => void;
    /** Publishes to `pages/{group}/{topic}`. Rejects while not attached, as `call` does. */
    publish(topic: string, value: unknown): Promise<{ topic: string; seq: number }>;
    /** Calls `group/function` of another page. */
    call(target: Target & { stream: true }, ...args: unknown[]): AsyncGenerator<any, void>;
    call(target: string | Target, ...args: unknown[]): Promise<any>;
    /** Follows a topic until the returned function is called, over lost links too. May begin before the link is open. */
    subscribe(topic: string, follower: Follower, start?: { since?: string | number; last?: number }): Promise<() => void>;
    /** `open`: the welcome. `close`: `{ code, reason }`. `error`: an Error in words for people. Returns what ends it. */
    on(type: "open" | "close" | "error", listener: (detail: any) => void): () => void;
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
