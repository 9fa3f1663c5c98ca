import { Button, Switch, TextInput } from '@mantine/core';
import { type ReactNode, useEffect, useMemo, useRef, useState } from 'react';
import { formatBytes } from '../format/quantities.js';
import { Icon } from '../shell/icons.js';
import { filterLines } from './log-follow.js';
import { downloadAddress, type Log, type LogSource, useLog } from './use-log.js';

/** Within this many pixels of the bottom counts as at the bottom. */
const BOTTOM_SLACK_PX = 24;

interface LogViewerProps {
  readonly source: LogSource;
  /** Controls that choose the source. */
  readonly children: ReactNode;
}

export function LogViewer({ source, children }: LogViewerProps) {
  const [isFollowing, setFollowing] = useState(true);
  const [isWrapped, setWrapped] = useState(true);
  const [filter, setFilter] = useState('');
  const log = useLog(source, isFollowing);

  return (
    <div className="pc-log">
      <div className="pc-log-bar">
        {children}
        <TextInput
          aria-label="Filter lines"
          placeholder="Filter lines"
          value={filter}
          onChange={(event) => setFilter(event.currentTarget.value)}
        />
        <Switch
          label="Follow"
          checked={isFollowing}
          onChange={(event) => setFollowing(event.currentTarget.checked)}
        />
        <Switch
          label="Wrap"
          checked={isWrapped}
          onChange={(event) => setWrapped(event.currentTarget.checked)}
        />
        <Button
          component="a"
          href={downloadAddress(source)}
          download={source.path}
          variant="default"
          leftSection={<Icon name="download" />}
        >
          Download
        </Button>
      </div>
      <LogText
        log={log}
        filter={filter}
        isWrapped={isWrapped}
        isFollowing={isFollowing}
        label={`${source.path} of ${source.taskId}`}
      />
    </div>
  );
}

interface LogTextProps {
  readonly log: Log;
  readonly filter: string;
  readonly isWrapped: boolean;
  readonly isFollowing: boolean;
  readonly label: string;
}

function LogText({ log, filter, isWrapped, isFollowing, label }: LogTextProps) {
  const box = useRef<HTMLPreElement>(null);
  const [isAtEnd, setAtEnd] = useState(true);
  const text = useMemo(() => filterLines(log.state.text, filter), [log.state.text, filter]);

  const toEnd = () => box.current?.scrollTo({ top: box.current.scrollHeight });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the text is what makes the end move
  useEffect(() => {
    if (isFollowing && isAtEnd) {
      toEnd();
    }
  }, [text, isFollowing, isAtEnd, isWrapped]);
  const onScroll = () => {
    const pre = box.current;
    if (pre) {
      setAtEnd(pre.scrollHeight - pre.scrollTop - pre.clientHeight < BOTTOM_SLACK_PX);
    }
  };

  return (
    <div className="pc-log-body">
      <pre
        ref={box}
        className="pc-log-text"
        data-wrap={isWrapped}
        role="log"
        aria-label={label}
        aria-live="off"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling box must be reachable by keyboard
        tabIndex={0}
        onScroll={onScroll}
      >
        {log.state.isCut && filter === '' && (
          <span className="pc-dim">… earlier output is in the download{'\n'}</span>
        )}
        {text}
      </pre>
      {!isAtEnd && (
        <Button className="pc-log-jump" size="compact-xs" onClick={toEnd}>
          Jump to the end
        </Button>
      )}
      <div className="pc-log-foot pc-dim" role="status">
        {statusLine(log, { isFollowing, isAtEnd, isEmpty: text === '', isFiltered: filter !== '' })}
      </div>
    </div>
  );
}

function statusLine(
  log: Log,
  view: { isFollowing: boolean; isAtEnd: boolean; isEmpty: boolean; isFiltered: boolean },
): string {
  if (log.error !== undefined) {
    return log.error;
  }
  if (log.isLoading) {
    return 'Loading…';
  }
  if (view.isEmpty) {
    return view.isFiltered ? 'No line matches the filter' : 'Nothing has been written yet';
  }
  const size = formatBytes(log.state.end);
  if (!view.isFollowing) {
    return `${size}, paused`;
  }
  return view.isAtEnd ? `${size}, following` : `${size}, scrolled back; new lines are still read`;
}
