import { describeError } from '../api/api-error.js';
import type { WaitingGroup, Why, WhySuggestion } from '../api/api-types.js';
import { useWhy } from '../api/queries.js';
import { reasonWords } from '../apps/waiting-reasons.js';
import { formatAge } from '../format/durations.js';
import { plural } from '../format/quantities.js';
import { useNow } from '../shell/use-now.js';
import { isUnsupported, suggestionWords } from './why-words.js';

/** What the controller says the app waits for; nothing on a server that does not explain. */
export function WhyExplanation({ appId }: { readonly appId: string }) {
  const why = useWhy(appId);
  if (why.data) {
    return <Explanation why={why.data} />;
  }
  if (!why.error || isUnsupported(why.error)) {
    return null;
  }
  return (
    <p className="pc-bad" role="alert">
      The explanation cannot be read: {describeError(why.error)}
    </p>
  );
}

function Explanation({ why }: { readonly why: Why }) {
  return (
    <>
      {why.waitingFor.length > 0 && (
        <ul className="pc-reasons" aria-label="It waits for">
          {why.waitingFor.map((reason) => (
            <li key={reason}>{reason}</li>
          ))}
        </ul>
      )}
      {why.waiting.map((group) => (
        <Group key={group.version} group={group} />
      ))}
    </>
  );
}

function Group({ group }: { readonly group: WaitingGroup }) {
  const nowMs = useNow();
  const refusing = group.reasons.filter((reason) => reason.agents > 0);
  const { agents, omitted, newestAt } = group.offers;
  return (
    <>
      {refusing.length > 0 && <ReasonTable group={group} />}
      <p className="pc-dim">
        {plural(agents, 'agent')} looked at
        {omitted > 0 && `, ${omitted} more are known`}
        {newestAt && `; the newest offer is ${formatAge(newestAt, nowMs)} old`}
      </p>
      {group.fitting.agents > 0 && (
        <p>
          By what was offered last it fits on {group.fitting.newest.map(hostname).join(', ')}
          {group.fitting.agents > group.fitting.newest.length && ' and others'}.
        </p>
      )}
      {group.nearestFit && (
        <section aria-label="Nearest fit">
          <h3>Nearest fit</h3>
          <p>{group.nearestFit.summary}</p>
        </section>
      )}
      {group.suggestions.length > 0 && (
        <section aria-label="What would help">
          <h3>Any of these would help</h3>
          <ul className="pc-reasons">
            {group.suggestions.map((suggestion) => (
              <Suggestion key={suggestion.change} suggestion={suggestion} count={group.count} />
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

const hostname = (agent: { readonly hostname: string }): string => agent.hostname;

function ReasonTable({ group }: { readonly group: WaitingGroup }) {
  return (
    <table className="pc-table pc-table--inner" aria-label="Refused offers">
      <thead>
        <tr>
          <th scope="col">Reason</th>
          <th scope="col" className="pc-num">
            Agents
          </th>
          <th scope="col" className="pc-num" title="Agents with no other reason">
            Alone
          </th>
          <th scope="col" className="pc-wide">
            Example
          </th>
        </tr>
      </thead>
      <tbody>
        {group.reasons
          .filter((reason) => reason.agents > 0)
          .map(({ reason, agents, alone, example }) => (
            <tr key={reason}>
              <td title={reasonWords(reason)}>{reason}</td>
              <td className="pc-num">{agents}</td>
              <td className="pc-num">{alone}</td>
              <td className="pc-wide">{example}</td>
            </tr>
          ))}
      </tbody>
    </table>
  );
}

interface SuggestionProps {
  readonly suggestion: WhySuggestion;
  readonly count: number;
}

function Suggestion({ suggestion, count }: SuggestionProps) {
  return (
    <li>
      <strong>{suggestion.change}</strong>: {suggestionWords(suggestion, count)}
    </li>
  );
}
