import { Counter, Gauge } from 'prom-client';
import { metricsRegistry } from '../metrics.js';
import { TlsFiles, type TlsLog } from './tls-files.js';
import { readTlsSettings } from './tls-settings.js';

let opened: { readonly files: TlsFiles | undefined } | undefined;

/** The TLS files of this process, for all it serves and asks; undefined without settings. Throws ConfigError. */
export function processTls(log: TlsLog = () => undefined): TlsFiles | undefined {
  if (opened === undefined) {
    const settings = readTlsSettings();
    opened = { files: settings && new TlsFiles(settings, log) };
    if (opened.files !== undefined) showInMetrics(opened.files);
  }
  return opened.files;
}

/** Told once, as Prometheus wants alerts on it: expiry, and replacements that were refused. */
function showInMetrics(files: TlsFiles): void {
  const registers = [metricsRegistry];
  if (files.notAfterEpochMs !== undefined) {
    new Gauge({
      name: 'pacer_tls_certificate_not_after_seconds',
      help: 'When the TLS certificate in use expires, in seconds since 1970',
      registers,
      collect() {
        this.set((files.notAfterEpochMs ?? 0) / 1_000);
      },
    });
  }
  new Counter({
    name: 'pacer_tls_reloads_total',
    help: 'Changes of the TLS files, by whether they were taken or refused',
    labelNames: ['outcome'],
    registers,
    collect() {
      this.reset();
      this.inc({ outcome: 'taken' }, files.reloads.taken);
      this.inc({ outcome: 'refused' }, files.reloads.refused);
    },
  });
}
