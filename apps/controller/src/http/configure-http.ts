import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { addLeaderGate, type LeaderGateOptions } from '../runtime/leader-gate.js';
import { serveUi } from '../ui/serve-ui.js';
import { compressAnswers } from './compress.js';
import { explainWrongShapes } from './explain-shapes.js';
import { addApiHeaders } from './marathon-headers.js';
import { refuseUnknownDryRuns } from './refuse-dry-run.js';
import { refuseOtherMedia } from './refuse-other-media.js';
import { shedLoad } from './shed-load.js';
import { acceptStrictJson } from './strict-json.js';

/** Sets up what all routes share: headers, who answers, strict JSON bodies, and the files of the UI. */
export async function configureHttp(
  app: NestFastifyApplication,
  options: LeaderGateOptions & {
    readonly uiFolder: string;
    /** Of the API, at once; undefined: no limit. */
    readonly maxRequests?: number;
  },
): Promise<void> {
  const server = app.getHttpAdapter().getInstance();
  addApiHeaders(server, options.runtime);
  shedLoad(server, options.maxRequests);
  addLeaderGate(server, options);
  refuseOtherMedia(server);
  compressAnswers(server);
  refuseUnknownDryRuns(server);
  acceptStrictJson(server);
  explainWrongShapes(server);
  await serveUi(server, options.uiFolder);
}
