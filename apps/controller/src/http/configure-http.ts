import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { addLeaderGate, type LeaderGateOptions } from '../runtime/leader-gate.js';
import { serveUi } from '../ui/serve-ui.js';
import { compressAnswers } from './compress.js';
import { explainWrongShapes } from './explain-shapes.js';
import { addApiHeaders } from './marathon-headers.js';
import { refuseUnknownDryRuns } from './refuse-dry-run.js';
import { acceptStrictJson } from './strict-json.js';

/** Sets up what all routes share: headers, who answers, strict JSON bodies, and the files of the UI. */
export async function configureHttp(
  app: NestFastifyApplication,
  options: LeaderGateOptions & { readonly uiFolder: string },
): Promise<void> {
  const server = app.getHttpAdapter().getInstance();
  addApiHeaders(server, options.runtime);
  addLeaderGate(server, options);
  compressAnswers(server);
  refuseUnknownDryRuns(server);
  acceptStrictJson(server);
  explainWrongShapes(server);
  await serveUi(server, options.uiFolder);
}
