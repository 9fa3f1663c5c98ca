import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { parseArgs } from 'node:util';
import {
  createFileStore,
  createTaskRunner,
  type RunnerTask,
  readCredential,
  readTaskFile,
} from '#framework';

// Counts the words of a text in many short tasks, each on one part of it. Started again, it goes on where it was.

const { values, positionals: files } = parseArgs({
  allowPositionals: true,
  options: {
    master: { type: 'string', multiple: true, default: ['127.0.0.1:5050'] },
    tasks: { type: 'string', default: '1000' },
    credential: { type: 'string' },
    state: { type: 'string', default: '/tmp/pacer-word-count' },
  },
});
const size = Number(values.tasks);
if (files.length === 0 || !(size >= 1 && size <= 100_000)) {
  console.error(
    'usage: word-count [--master HOST:PORT]... [--tasks N] [--credential FILE] [--state FOLDER] FILE...',
  );
  process.exit(2);
}

type Counts = readonly (readonly [word: string, count: number])[];

const text = (await Promise.all(files.map((file) => readFile(file, 'utf8')))).join('\n');
const words = text.split(/\s+/);
const tasks = Array.from({ length: size }, (_, index): RunnerTask => {
  const [begin, end] = [index, index + 1].map((part) => Math.floor((words.length * part) / size));
  return {
    name: `part-${index}`,
    command: `printf %s "$TEXT" | tr -cs A-Za-z '\\n' | tr A-Z a-z | sort | uniq -c`,
    environment: { TEXT: words.slice(begin, end).join(' '), LC_ALL: 'C' },
    cpus: 0.1,
    memMib: 32,
  };
});

// Only where the master asks for one.
const access =
  values.credential === undefined ? {} : { credential: await readCredential(values.credential) };
await mkdir(values.state, { recursive: true });
const resultsFile = `${values.state}/results.jsonl`;
const results = new Map<string, Counts>();
// A last line without its end was never acknowledged: that task is told again.
for (const line of (await readFile(resultsFile, 'utf8').catch(() => '')).split('\n').slice(0, -1)) {
  const [name, counts] = JSON.parse(line) as [string, Counts];
  results.set(name, counts);
}

const runner = createTaskRunner({
  ...access,
  masters: values.master,
  frameworkInfo: { name: 'word-count', user: userInfo().username },
  store: createFileStore(`${values.state}/framework.json`),
  log: (message) => console.error(message),
  onStatus: async ({ place, status, isEnded }) => {
    if (!isEnded) return;
    if (status.state === 'TASK_FINISHED') {
      const lines = (await readTaskFile(place, 'stdout', access)).matchAll(/^ *(\d+) ([a-z]+)$/gm);
      const counts = [...lines].map(([, count, word]) => [String(word), Number(count)] as const);
      // Before the status is acknowledged: what is on disk is never counted again.
      await appendFile(resultsFile, `${JSON.stringify([place.name, counts])}\n`, { flush: true });
      results.set(place.name, counts);
      if (results.size % 100 === 0) console.log(`${results.size} of ${size} parts counted`);
      return;
    }
    console.error(`${place.taskId}: ${status.state} ${status.message ?? ''}`);
    runner.submit(...tasks.filter(({ name }) => name === place.name));
  },
});
process.once('SIGINT', () => void runner.stop().then(() => process.exit(130)));
await runner.start();
for (const task of tasks) if (!results.has(task.name)) runner.submit(task);
await runner.idle();
await runner.teardown();

const total = addUp([...results.values()].flat());
const own = (text.match(/[A-Za-z]+/g) ?? []).map((word) => [word.toLowerCase(), 1] as const);
const isRight = JSON.stringify(total) === JSON.stringify(addUp(own));
for (const [word, count] of total.slice(0, 10)) console.log(count, word);
const sum = total.reduce((before, [, count]) => before + count, 0);
console.log(`${sum} words, ${total.length} different: ${isRight ? 'right' : 'WRONG'}`);
process.exit(isRight ? 0 : 1);

/** The most frequent first, then by name. */
function addUp(all: Counts): Counts {
  const sums = new Map<string, number>();
  for (const [word, count] of all) sums.set(word, (sums.get(word) ?? 0) + count);
  return [...sums].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
}
