import type { ControllerNode } from './controller-node.js';
import type { World } from './world.js';

const NO_ANSWER_MS = 20_000;

/** Asks whoever leads. Undefined: refused, or the connection broke and nobody knows. */
export function askLeader<Result>(
  parts: { readonly world: World; readonly controllers: readonly ControllerNode[] },
  ask: (node: ControllerNode) => Promise<Result> | undefined,
): Promise<Result | undefined> {
  const { world, controllers } = parts;
  const node = controllers.find(({ isLeading }) => isLeading);
  return new Promise((resolve) => {
    const cancel = world.after(NO_ANSWER_MS, () => resolve(undefined));
    const finish = (result: Result | undefined) =>
      world.after(1, () => {
        cancel();
        resolve(result);
      });
    if (node === undefined) return void finish(undefined);
    node.process.onEnd(() => finish(undefined));
    node.process.enter(() => {
      const asked = ask(node);
      if (asked === undefined) finish(undefined);
      else {
        asked.then(
          (result) => finish(result),
          (error: unknown) => {
            world.trace.add('client', `refused: ${String(error)}`);
            finish(undefined);
          },
        );
      }
    });
  });
}
