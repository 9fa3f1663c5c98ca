/** What the keyboard can do. `g` waits for a second key; anything else decides at once. */
export type Shortcut =
  | 'create'
  | 'search'
  | 'help'
  | 'goApps'
  | 'goDeployments'
  | 'edit'
  | 'about'
  | 'toggleColorScheme';

export interface KeyState {
  /** When `g` was pressed, if it still waits for its second key. */
  readonly leaderAtMs: number | undefined;
}

export interface KeyPress {
  readonly key: string;
  readonly hasModifier: boolean;
  /** Whether the key goes into a text field. */
  readonly isTyping: boolean;
}

/** How long `g` waits for the key after it. */
export const LEADER_TIMEOUT_MS = 1_500;

export const NO_KEYS: KeyState = { leaderAtMs: undefined };

export const SHORTCUTS: readonly { readonly keys: readonly string[]; readonly text: string }[] = [
  { keys: ['c'], text: 'Create an application' },
  { keys: ['/'], text: 'Search applications' },
  { keys: ['g', 'a'], text: 'Go to applications' },
  { keys: ['g', 'd'], text: 'Go to deployments' },
  { keys: ['g', 'e'], text: 'Edit the application shown' },
  { keys: ['t'], text: 'Change the colour scheme' },
  { keys: [','], text: 'About this cluster' },
  { keys: ['?'], text: 'Show these shortcuts' },
  { keys: ['Ctrl', 'Enter'], text: 'Submit the open form' },
  { keys: ['Esc'], text: 'Close the open dialog' },
];

const SINGLE: Readonly<Record<string, Shortcut>> = {
  c: 'create',
  s: 'search',
  '/': 'search',
  '?': 'help',
  t: 'toggleColorScheme',
  ',': 'about',
};
const AFTER_LEADER: Readonly<Record<string, Shortcut>> = {
  a: 'goApps',
  d: 'goDeployments',
  e: 'edit',
};

export function reduceKeys(
  state: KeyState,
  press: KeyPress,
  nowMs: number,
): { readonly state: KeyState; readonly shortcut: Shortcut | undefined } {
  if (press.isTyping || press.hasModifier) {
    return { state: NO_KEYS, shortcut: undefined };
  }
  if (state.leaderAtMs !== undefined && nowMs - state.leaderAtMs <= LEADER_TIMEOUT_MS) {
    return { state: NO_KEYS, shortcut: own(AFTER_LEADER, press.key) };
  }
  if (press.key === 'g') {
    return { state: { leaderAtMs: nowMs }, shortcut: undefined };
  }
  return { state: NO_KEYS, shortcut: own(SINGLE, press.key) };
}

function own(table: Readonly<Record<string, Shortcut>>, key: string): Shortcut | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}
