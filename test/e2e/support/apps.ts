/** A web server in one line of Python: answers its version and port; /slow takes 300 ms; ends gracefully on SIGTERM. */
export const webServer = (version: string): string =>
  [
    'exec python3 -u -c "',
    'import http.server,os,time,signal,sys,threading',
    'class H(http.server.BaseHTTPRequestHandler):',
    " protocol_version='HTTP/1.1'",
    ' def do_GET(self):',
    "  time.sleep(0.3 if self.path=='/slow' else 0)",
    `  body=('${version} '+os.environ['PORT']).encode()`,
    "  self.send_response(200);self.send_header('Content-Length',str(len(body)));self.end_headers();self.wfile.write(body)",
    ' def log_message(self,*a): pass',
    "s=http.server.ThreadingHTTPServer(('',int(os.environ['PORT'])),H)",
    `print('ready ${version}',flush=True)`,
    's.serve_forever()"',
  ].join('\n');

export const webApp = (
  id: string,
  options: {
    readonly version?: string;
    readonly instances?: number;
    readonly host?: string;
    readonly extra?: Readonly<Record<string, unknown>>;
  } = {},
): Readonly<Record<string, unknown>> => ({
  id,
  cmd: webServer(options.version ?? 'v1'),
  cpus: 0.05,
  mem: 64,
  instances: options.instances ?? 3,
  healthChecks: [
    {
      protocol: 'MESOS_HTTP',
      path: '/',
      portIndex: 0,
      gracePeriodSeconds: 30,
      intervalSeconds: 1,
      timeoutSeconds: 5,
      maxConsecutiveFailures: 3,
      delaySeconds: 0,
    },
  ],
  labels: {
    HAPROXY_GROUP: 'external',
    HAPROXY_0_VHOST: options.host ?? `${id.slice(1).replaceAll('/', '-')}.localhost`,
  },
  ...options.extra,
});
