// The public vocabulary: options, results and reports.

/** How two vectors are compared; lower distances are nearer for each of them. */
export type Metric = "cosine" | "l2" | "ip";

/** What a traversal reads. Hits are ranked on what is kept of vectors (`Rows`) either way. */
export type Codes = "auto" | "none" | "u7";

/**
 * What is kept of each vector: 32-bit floats, 16-bit floats (half the bytes, components up to
 * 65,504), or its 7-bit code alone (a quarter; the first `upsertMany` fits the codes).
 */
export type Rows = "f32" | "f16" | "codes";

/** One of the package's binaries: threads or not, and which vector instructions. */
export type Binary = "st-simd128" | "st-relaxed" | "mt-simd128" | "mt-relaxed";

/** What is fixed when an index is created. */
export interface IndexOptions {
  /** Components of a vector, 1 to 65,536. */
  dimensions: number;
  /** `cosine` unless given. */
  metric?: Metric | undefined;
  /** Links of a node on each upper level, 4 to 64; 16 unless given. */
  m?: number | undefined;
  /** Candidates considered for an item's links; 100 unless given. */
  efConstruction?: number | undefined;
  /** `auto` unless given: 7-bit codes wherever an index is built in bulk. */
  codes?: Codes | undefined;
  /** `f32` unless given. */
  rows?: Rows | undefined;
  /** The same input and seed give the same graph; 0 unless given. */
  seed?: number | undefined;
}

/** Where and how an index runs. Indexes with equal options share one instance. */
export interface RuntimeOptions {
  /** Threads of the instance; `false` for none besides its own. All cores unless given. */
  threads?: number | false | undefined;
  /** Takes this binary instead of the detected one. */
  binary?: Binary | undefined;
  /** Directory of the package's binaries, where they do not lie beside its scripts. */
  assets?: string | URL | undefined;
}

/** What goes with a call besides its work. */
export interface WorkOptions {
  /** Called now and then with how far the work is. */
  onProgress?: ((progress: Progress) => void) | undefined;
  /**
   * Cancels. Takes effect during the work in process and on cross-origin isolated pages, else only
   * before it starts.
   */
  signal?: AbortSignal | undefined;
}

/** What `upsertMany` does besides its work; cancelled on an empty index, it leaves it empty. */
export type UpsertOptions = WorkOptions;

/** What `deleteMany` does besides its work. */
export type DeleteOptions = WorkOptions;

/** What `tag` and `untag` do besides their work. */
export type TagOptions = WorkOptions;

/** What `tune` does besides its work. */
export interface TuneOptions extends WorkOptions {
  /** Queries like those to come, at most 1,024 of which are used; made from the items unless given. */
  samples?: Vectors | undefined;
}

/** The recall that searches of rising `ef` reach. */
export interface Tuning {
  /** Neighbours for which recall was measured. */
  k: number;
  /** Items at that time: with many more by now, tune again. */
  items: number;
  /** Queries that were sampled. */
  samples: number;
  /** `atLeast` is what the mean recall of queries like the samples exceeds with 95 % confidence. */
  points: { ef: number; recall: number; atLeast: number }[];
}

/** How far an `upsertMany`, a `deleteMany`, a `tag` or a `tune` is. */
export interface Progress {
  phase: "check" | "fit" | "order" | "link" | "insert" | "delete" | "tag" | "tune";
  /** Items done in this phase. */
  done: number;
  /** Items of this phase. */
  total: number;
}

/** How many neighbours are found, and with what effort. */
export interface BatchOptions {
  /** Neighbours per query; 10 unless given. It is an error to ask for more than there are. */
  k?: number | undefined;
  /** Candidates kept while searching: more is slower and misses less. */
  ef?: number | undefined;
  /** Share of the true neighbours to find, such as 0.95, instead of `ef`, once the index is tuned. */
  recall?: number | undefined;
  /** Stops waiting for the answer. */
  signal?: AbortSignal | undefined;
}

/** The same, and what may be found: with any of these, fewer than `k` hits are no error. */
export interface SearchOptions extends BatchOptions {
  /** Finds only items with these ids; ids without an item do no harm. */
  among?: Ids | IdSet | undefined;
  /** Finds only items that have these tags (without `among`), such as `(red | blue) & !"out of stock"`. */
  where?: string | undefined;
  /** Leaves out items farther than this. */
  maxDistance?: number | undefined;
}

/** An item by its number, or by its name. */
export type Id = number | string;

/** An item with all that it may have. */
export interface Item {
  /**
   * A number, or a name: text of 1 to 1,024 bytes in UTF-8. Items with a name have a number, too,
   * which hits tell.
   */
  id: Id;
  vector: ArrayLike<number>;
  /** What searches may filter by; each of 1 to 255 bytes in UTF-8. */
  tags?: readonly string[] | undefined;
  /** Bytes for the caller's own use, 16 MiB at most. */
  payload?: Uint8Array | undefined;
}

/** An item as it is kept; `put({ ...kept, id: kept.name ?? kept.id })` puts it elsewhere. */
export interface Kept {
  /** Its number. */
  id: number;
  /** Its name, if it has one. */
  name?: string | undefined;
  /** As it is kept: see `Rows`. */
  vector: Float32Array;
  /** In the order of their names. */
  tags: string[];
  /** Empty if it was put without. */
  payload: Uint8Array;
}

/** Ids in any order; one that is there twice counts once, unless vectors go with them. */
export type Ids = ArrayLike<number> | Iterable<number>;

/**
 * Ids that are prepared once for many searches of the index that made it. Items that are put, moved
 * or deleted later are found as they are.
 */
export interface IdSet extends AsyncDisposable {
  /** Gives its memory back, as does closing the index. Closing twice is fine. */
  close(): Promise<void>;
}

/** One neighbour. */
export interface Hit {
  id: number;
  distance: number;
}

/** Neighbours of many queries: `k` per query, query by query, nearest first. */
export interface BatchHits {
  ids: Float64Array;
  distances: Float32Array;
  k: number;
}

/** Flat, row-major vectors, or one array per vector. */
export type Vectors = Float32Array | readonly ArrayLike<number>[];

/** Where a snapshot may come from. */
export type SnapshotSource = string | URL | Response | ArrayBuffer | ArrayBufferView;

/** What runs, and why. */
export interface Capabilities {
  runtime: "browser" | "node";
  /** 128-bit vector instructions, which every binary needs. */
  simd: boolean;
  /** Relaxed vector instructions: same answers, faster. */
  relaxedSimd: boolean;
  /** Threads that build and answer batches; 1 means none besides the instance's own. */
  threads: number;
  /** Why there is one thread only. */
  threadsReason?: string;
  /** The binary that was picked. */
  binary: Binary;
  /** Whether the instance's memory is shared between threads. */
  sharedMemory: boolean;
  /** Bytes that shared memory may grow to, where there are threads. */
  memoryMax?: number;
}

/** What an index holds and what it runs on. */
export interface Stats {
  /** Number of items. */
  size: number;
  options: Required<IndexOptions>;
  /** What the last `tune` found. */
  tuning?: Tuning | undefined;
  /** Bytes held, by purpose. */
  memory: { vectors: number; codes: number; links: number; items: number; total: number };
  /** Instruction set of the distance kernels. */
  isa: string;
  capabilities: Capabilities;
}
