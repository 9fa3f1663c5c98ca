import type { Definition } from './complete-app.js';
import type { ProblemLog } from './refusal.js';

/** Names the fields that are kept and shown as they were given, and that nothing is done with. */
export function warnOfUnusedFields(
  app: Definition,
  at: { readonly path: string; readonly problems: ProblemLog },
): void {
  const unused: string[] = [];
  if (app.executor !== '' && app.executor !== '//cmd') unused.push('/executor');
  if (app.executorResources !== undefined) unused.push('/executorResources');
  if (app.tty === true) unused.push('/tty');
  if (app.container?.linuxInfo !== undefined) unused.push('/container/linuxInfo');
  for (const [index, { labels = {} }] of app.networks.entries()) {
    if (Object.keys(labels).length > 0) unused.push(`/networks(${index})/labels`);
  }
  for (const field of unused) {
    at.problems.warn(`${at.path}${field} has no effect here and is kept as it is given`);
  }
}
