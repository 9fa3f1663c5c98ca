import type {
  WireApp,
  WireCertificate,
  WireDeployment,
  WireQueueEntry,
  WireRoutes,
  WireTask,
  WireWhy,
} from '#marathon-v2';
import type { App, Deployment, QueueEntry, Task, Why } from './api-types.js';
import type { Certificate, Routes } from './route-types.js';

/**
 * What our controller sends must fit what this UI reads; if not, this file does not compile. The UI keeps types of its
 * own because it also works against servers that leave fields out or send null.
 */
type Fits<Sent extends Read, Read> = Sent;
type Named = { readonly id: string };

export type Agreement = [
  Fits<WireApp, App>,
  Fits<WireTask, Task>,
  Fits<WireDeployment, Deployment>,
  Fits<WireQueueEntry & { readonly app?: Named; readonly pod?: Named }, QueueEntry>,
  Fits<WireWhy, Why>,
  Fits<WireRoutes, Routes>,
  Fits<WireCertificate, Certificate>,
];
