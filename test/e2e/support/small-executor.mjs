/**
 * A custom executor on the v1 API. Its tasks are entries in a table; messages make it do things: `finish <task>` ends one,
 * `crash` ends it with code 3, anything else is sent back. What it hears it prints, one line each.
 */
import { request } from 'node:http';

const { MESOS_AGENT_ENDPOINT, MESOS_FRAMEWORK_ID, MESOS_EXECUTOR_ID } = process.env;
const [hostname, port] = MESOS_AGENT_ENDPOINT.split(':');
const RETRY_MS = 200;

/** Until an update of them is acknowledged, by id; and updates until they are, by uuid. */
const tasks = new Map();
const updates = new Map();
let count = 0;

function post(call, onAnswer) {
  const body = JSON.stringify({
    framework_id: { value: MESOS_FRAMEWORK_ID },
    executor_id: { value: MESOS_EXECUTOR_ID },
    ...call,
  });
  const headers = { 'content-type': 'application/json', accept: 'application/json' };
  const options = { hostname, port, method: 'POST', path: '/api/v1/executor', headers };
  const outgoing = request(options, onAnswer);
  outgoing.on('error', () => onAnswer(undefined));
  outgoing.end(body);
}

function say(call) {
  post(call, (answer) => answer?.resume());
}

function update(id, state) {
  count += 1;
  const uuid = Buffer.from(`${process.pid}-${count}`.padEnd(16, '.').slice(0, 16)).toString(
    'base64',
  );
  const status = { task_id: { value: id }, state, uuid, source: 'SOURCE_EXECUTOR' };
  updates.set(uuid, { status });
  say({ type: 'UPDATE', update: { status } });
}

function hear(event) {
  switch (event.type) {
    case 'LAUNCH': {
      const { task } = event.launch;
      console.log(`LAUNCH ${task.task_id.value}`);
      tasks.set(task.task_id.value, task);
      update(task.task_id.value, 'TASK_RUNNING');
      return;
    }
    case 'KILL':
      console.log(`KILL ${event.kill.task_id.value}`);
      update(event.kill.task_id.value, 'TASK_KILLED');
      return;
    case 'ACKNOWLEDGED': {
      const { task_id, uuid } = event.acknowledged;
      console.log(`ACKNOWLEDGED ${task_id.value} ${updates.get(uuid)?.status.state}`);
      tasks.delete(task_id.value);
      updates.delete(uuid);
      return;
    }
    case 'MESSAGE':
      obey(Buffer.from(event.message.data, 'base64').toString());
      return;
    case 'SHUTDOWN':
      console.log('SHUTDOWN');
      process.exit(0);
      return;
    default:
      console.log(event.type);
  }
}

function obey(text) {
  const [word, id] = text.split(' ');
  if (word === 'crash') process.exit(3);
  if (word === 'finish') update(id, 'TASK_FINISHED');
  else say({ type: 'MESSAGE', message: { data: Buffer.from(`heard ${text}`).toString('base64') } });
}

function subscribe() {
  const retry = () => setTimeout(subscribe, RETRY_MS);
  const subscribeCall = {
    type: 'SUBSCRIBE',
    subscribe: {
      unacknowledged_tasks: [...tasks.values()],
      unacknowledged_updates: [...updates.values()],
    },
  };
  post(subscribeCall, (answer) => {
    if (answer === undefined) {
      retry();
      return;
    }
    let buffered = Buffer.alloc(0);
    answer.on('data', (chunk) => {
      buffered = Buffer.concat([buffered, chunk]);
      if (answer.statusCode === 200) buffered = takeRecords(buffered);
    });
    answer.on('close', retry);
    answer.on('error', () => undefined);
  });
}

function takeRecords(given) {
  let rest = given;
  for (;;) {
    const at = rest.indexOf('\n');
    const length = Number(rest.subarray(0, Math.max(at, 0)).toString());
    if (at < 0 || rest.length < at + 1 + length) return rest;
    hear(JSON.parse(rest.subarray(at + 1, at + 1 + length).toString()));
    rest = rest.subarray(at + 1 + length);
  }
}

subscribe();
