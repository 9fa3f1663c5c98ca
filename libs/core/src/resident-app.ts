import type { Container } from './app.js';

/** Whether an app keeps data of its own on an agent. `residency` says nothing about that, whatever stands there. */
export const isResident = (app: { readonly container?: Pick<Container, 'volumes'> }): boolean =>
  app.container?.volumes.some((volume) => volume.persistent !== undefined) ?? false;
