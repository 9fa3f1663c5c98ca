#!/usr/bin/env node
import { Command } from 'commander';
import { defaultUrl } from './client/send-request.js';
import { endWithReader } from './closed-output.js';

/**
 * `pacer`: the terminal client of /v2, and `pacer up`. Commands load what they need when they run, so that `--help` is
 * instant.
 */
const program = new Command('pacer')
  .description('Keeps long-running services running on your own machines')
  .option('--url <url>', 'the controller', defaultUrl(process.env))
  .option('--json', 'print what the API answers')
  .showHelpAfterError();

const cluster = (name: string, description: string): Command =>
  program
    .command(name)
    .description(description)
    .option('--agents <n>', 'agents on this machine, sharing its resources')
    .option('--keep-tasks', 'leave tasks running when the cluster stops')
    .option('--data <dir>', 'where everything is kept (PACER_DATA)')
    .option('--port-offset <n>', 'added to the ports of the daemons and the edge');

cluster('up', 'run a whole one-machine cluster until Ctrl-C').action(async (flags) => {
  const { runUp } = await import('./up/up.js');
  process.exit(await runUp(flags));
});
cluster('down', 'stop a cluster that runs in the background').action(async (flags) => {
  const { runDown } = await import('./up/up.js');
  process.exit(await runDown(flags));
});

const app = program.command('app').description('apps');
app
  .command('list')
  .description('all apps')
  .option('--search <text>', 'those whose id or labels hold a text')
  .option('--label <selector>', 'those whose labels fit: tier==front,owner')
  .action(async (flags) => (await connect()).listApps(flags));
app
  .command('get <id>')
  .description('one app, as JSON')
  .action(async (id: string) => (await connect()).showApp(id));
app
  .command('create')
  .description('create an app, or replace it with --replace')
  .requiredOption('-f, --file <path>', 'JSON definition, - for standard input')
  .option('--replace', 'replace an app that exists')
  .option('--force', 'although a deployment is under way')
  .option('--wait', 'until the deployment has ended')
  .option('--dry-run', 'only say what would happen')
  .action(async (flags) => (await connect()).createApp(flags));
app
  .command('scale <id> <instances>')
  .description('change the number of instances')
  .option('--force', 'although a deployment is under way')
  .option('--wait', 'until the deployment has ended')
  .option('--dry-run', 'only say what would happen')
  .action(async (id: string, instances: string, flags) =>
    (await connect()).scaleApp(id, instances, flags),
  );
app
  .command('restart <id>')
  .description('replace all instances, in steps')
  .option('--force', 'although a deployment is under way')
  .option('--wait', 'until the deployment has ended')
  .option('--dry-run', 'only say what would happen')
  .action(async (id: string, flags) => (await connect()).restartApp(id, flags));
app
  .command('destroy <id>')
  .description('remove an app and its instances')
  .option('--wait', 'until the deployment has ended')
  .option('--dry-run', 'only say what would happen')
  .action(async (id: string, flags) => (await connect()).destroyApp(id, flags));

program
  .command('why <app>')
  .description('why an app is not as declared: what it waits for, and what would give it a place')
  .action(async (id: string) => (await connect()).explainApp(id));
program
  .command('deployments')
  .description('deployments under way')
  .action(async () => (await connect()).listDeployments());
const deployment = program.command('deployment').description('one deployment, or those that ended');
deployment
  .command('list')
  .description('deployments under way')
  .option('--ended', 'those that have ended')
  .action(async (flags) => (await connect()).listDeployments(flags));
deployment
  .command('show <id>')
  .description('what it waits for and what happened so far')
  .action(async (id: string) => (await connect()).showDeployment(id));
deployment
  .command('pause <id>')
  .description('hold it where it is; what dies is replaced')
  .action(async (id: string) => (await connect()).steerDeployment(id, 'pause'));
deployment
  .command('resume <id>')
  .description('let it go on')
  .action(async (id: string) => (await connect()).steerDeployment(id, 'resume'));
deployment
  .command('promote <id>')
  .description('its canaries are good: the rest follows')
  .option('--force', 'although not all of them serve')
  .action(async (id: string, flags) => (await connect()).steerDeployment(id, 'promote', flags));
deployment
  .command('abort <id>')
  .description('roll it back: canaries and other new instances go')
  .option('--dry-run', 'only say what would happen')
  .option('--wait', 'until the rollback has ended')
  .action(async (id: string, flags) => (await connect()).abortDeployment(id, flags));
deployment
  .command('rollback <id>')
  .description('undo it by a new deployment')
  .option('--dry-run', 'only say what would happen')
  .option('--wait', 'until the rollback has ended')
  .action(async (id: string, flags) => (await connect()).rollBackDeployment(id, flags));
program
  .command('pods')
  .description('pods, their instances and containers')
  .action(async () => (await connect()).listPods());
program
  .command('routes')
  .description(
    'what the edge serves: hosts, paths and ports, the instances behind them, and what is wrong',
  )
  .option('--app <id>', 'of one app, or of those below a group')
  .option('--vhost <host>', 'of one host')
  .action(async (flags) => (await connect()).listRoutes(flags));
program
  .command('routers')
  .description('the routers, and how far each is')
  .action(async () => (await connect()).listRouters());
const certificates = program.command('certificates').description('certificates of the edge');
certificates
  .command('list')
  .description('which there are, and until when')
  .action(async () => (await connect()).listCertificates());
certificates
  .command('put <name>')
  .description('store one with its key, in place of one of this name')
  .requiredOption('--cert <path>', 'PEM: the certificate, then its issuers')
  .requiredOption('--key <path>', 'PEM, without a passphrase')
  .action(async (name: string, flags) => (await connect()).putCertificate(name, flags));
certificates
  .command('delete <name>')
  .description('remove one')
  .action(async (name: string) => (await connect()).deleteCertificate(name));
program
  .command('tasks [app]')
  .description('tasks, of one app or of all')
  .action(async (id?: string) => (await connect()).listTasks(id));
program
  .command('kill <task...>')
  .description('end tasks, drained as in a deployment; others replace them')
  .option('--force', 'at once, undrained; with --scale: although a deployment is under way')
  .option('--scale', 'and want so many instances less')
  .option('--wipe', 'and give their volumes up')
  .option('--wait', 'with --scale: until the deployment has ended')
  .option('--dry-run', 'only say what would happen')
  .action(async (ids: string[], flags) => (await connect()).killTasks(ids, flags));
program
  .command('logs <task>')
  .description('what a task wrote')
  .option('--file <name>', 'a file of its sandbox', 'stdout')
  .option('-f, --follow', 'go on printing what is added')
  .action(async (id: string, flags) => (await connect()).showLog(id, flags));

program
  .command('exec <task> [command...]')
  .description('run a command in a task, or in one of an app: pacer exec -it /shop/web -- sh')
  .option('-i, --interactive', 'pass input on')
  .option('-t, --tty', 'give it a terminal')
  .action(async (id: string, command: string[], flags) => {
    process.exitCode = await (await connect()).exec(id, command, flags);
  });

async function connect() {
  const { createCommands } = await import('./client/commands.js');
  const { url, json } = program.opts<{ url: string; json?: boolean }>();
  return createCommands({ url, json: json === true });
}

endWithReader(process.stdout);
endWithReader(process.stderr);
try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`pacer: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
