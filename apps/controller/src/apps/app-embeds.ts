/** What to show of an app besides its definition. */
export interface AppEmbeds {
  readonly counts: boolean;
  readonly deployments: boolean;
  readonly tasks: boolean;
  readonly lastTaskFailure: boolean;
  readonly readiness: boolean;
  readonly taskStats: boolean;
  /** Ours: apps that are declared no more and still have tasks are shown too. */
  readonly leaving: boolean;
}

/** The definition only. */
export const NO_EMBEDS: AppEmbeds = {
  counts: false,
  deployments: false,
  tasks: false,
  lastTaskFailure: false,
  readiness: false,
  taskStats: false,
  leaving: false,
};

/** Always embedded in a list of apps. */
export const LIST_EMBEDS: AppEmbeds = { ...NO_EMBEDS, counts: true, deployments: true };

/** Always embedded in the answer about one app. */
export const ONE_APP_EMBEDS: AppEmbeds = { ...LIST_EMBEDS, tasks: true, lastTaskFailure: true };

const PREFIX = /^(?:group\.apps\.|apps\.|app\.)/;

/**
 * Adds what `embed` asks for to `base`. `tasks` brings the deployments along, `failures` is the old name of three. Names
 * nobody knows are ignored, as in Marathon.
 */
export function readAppEmbeds(names: readonly string[], base: AppEmbeds): AppEmbeds {
  let embeds = base;
  for (const name of names) {
    switch (name.replace(PREFIX, '')) {
      case 'tasks':
        embeds = { ...embeds, tasks: true, deployments: true };
        break;
      case 'failures':
        embeds = { ...embeds, tasks: true, deployments: true, lastTaskFailure: true };
        break;
      case 'counts':
        embeds = { ...embeds, counts: true };
        break;
      case 'deployments':
        embeds = { ...embeds, deployments: true };
        break;
      case 'readiness':
        embeds = { ...embeds, readiness: true };
        break;
      case 'lastTaskFailure':
        embeds = { ...embeds, lastTaskFailure: true };
        break;
      case 'taskStats':
        embeds = { ...embeds, taskStats: true };
        break;
      case 'leaving':
        embeds = { ...embeds, leaving: true };
        break;
      default:
    }
  }
  return embeds;
}

/** A short text that differs for different embeds. */
export const keyOfEmbeds = (embeds: AppEmbeds): string =>
  Object.entries(embeds)
    .filter(([, wanted]) => wanted)
    .map(([name]) => name)
    .join('+');
