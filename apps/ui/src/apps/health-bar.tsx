import { Tooltip } from '@mantine/core';
import type { HealthCounts } from './app-status.js';
import { healthSentence } from './app-status.js';

const SEGMENTS = ['healthy', 'unhealthy', 'unknown', 'staged'] as const;

/** Instances by health. Widths move when the counts do; the words are in the name and the tooltip. */
export function HealthBar({
  label,
  counts,
}: {
  readonly label: string;
  readonly counts: HealthCounts;
}) {
  const total = Math.max(
    1,
    counts.healthy + counts.unhealthy + counts.unknown + counts.staged + counts.unscheduled,
  );
  const sentence = healthSentence(counts);
  return (
    <Tooltip label={sentence} withArrow openDelay={150}>
      <div className="pc-health" role="img" aria-label={`Health of ${label}: ${sentence}`}>
        {SEGMENTS.map((segment) => (
          <span
            key={segment}
            className={`pc-health-part pc-health-part--${segment}`}
            style={{ width: `${(100 * counts[segment]) / total}%` }}
          />
        ))}
      </div>
    </Tooltip>
  );
}

/** What the colours mean; drawn once a page. */
export function HealthLegend() {
  return (
    <ul className="pc-legend" aria-label="Health colours">
      {[...SEGMENTS, 'unscheduled' as const].map((segment) => (
        <li key={segment}>
          <span className={`pc-legend-dot pc-health-part--${segment}`} />
          {segment}
        </li>
      ))}
    </ul>
  );
}
