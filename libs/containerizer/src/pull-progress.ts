/** How far a pull is, gathered from what the engine tells of each layer. */

/** One line of the engine's answer to a pull; what we do not know of is left out. */
export interface PullEvent {
  readonly id?: string;
  readonly status?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
}

interface Layer {
  received: number;
  total: number;
  isDone: boolean;
}

const MIB = 1024 * 1024;
const LAYER_STATES: Readonly<Record<string, { readonly isDone: boolean }>> = {
  'Pulling fs layer': { isDone: false },
  Waiting: { isDone: false },
  Downloading: { isDone: false },
  'Verifying Checksum': { isDone: false },
  'Download complete': { isDone: false },
  Extracting: { isDone: false },
  'Pull complete': { isDone: true },
  'Already exists': { isDone: true },
};
/** Images have some 127 layers at most; what an engine tells beyond this is left out. */
const MAX_LAYERS = 1_000;

export interface PullProgress {
  take(event: PullEvent): void;
  /** `pulling shop/web:2: 3 of 7 layers, 12 of 40 MiB`. Sizes count from when the engine knows them. */
  describe(): string;
}

export function trackPull(image: string): PullProgress {
  const layers = new Map<string, Layer>();
  return {
    take({ id, status = '', progressDetail }) {
      const state = Object.hasOwn(LAYER_STATES, status) ? LAYER_STATES[status] : undefined;
      if (id === undefined || state === undefined) return;
      const layer = layers.get(id) ?? { received: 0, total: 0, isDone: false };
      if (!layers.has(id) && layers.size >= MAX_LAYERS) return;
      layers.set(id, layer);
      layer.isDone = state.isDone;
      if (status === 'Downloading') {
        layer.received = progressDetail?.current ?? layer.received;
        layer.total = progressDetail?.total ?? layer.total;
      } else if (status !== 'Pulling fs layer' && status !== 'Waiting') {
        layer.received = layer.total;
      }
    },
    describe() {
      const all = [...layers.values()];
      if (all.length === 0) return `pulling ${image}`;
      const done = all.filter(({ isDone }) => isDone).length;
      const [received, total] = [sum(all, 'received'), sum(all, 'total')];
      const bytes = total === 0 ? '' : `, ${toMib(received)} of ${toMib(total)} MiB`;
      return `pulling ${image}: ${done} of ${all.length} layers${bytes}`;
    },
  };
}

const sum = (layers: readonly Layer[], field: 'received' | 'total'): number =>
  layers.reduce((total, layer) => total + layer[field], 0);

const toMib = (bytes: number): string =>
  bytes < 10 * MIB ? (bytes / MIB).toFixed(1) : String(Math.round(bytes / MIB));
