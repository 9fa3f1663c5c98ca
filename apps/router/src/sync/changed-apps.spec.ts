import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ChangedApps } from './changed-apps.js';

describe('ChangedApps', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('has urgent apps due at once and the others together, later', () => {
    const wake = vi.fn();
    const changed = new ChangedApps(wake);

    changed.add('/routed', { isUrgent: true });
    changed.add('/a', { isUrgent: false });
    changed.add('/b', { isUrgent: false });
    expect(changed.list()).toEqual(['/routed']);
    changed.clear();
    vi.advanceTimersByTime(2_000);

    expect(changed.list()).toEqual(['/a', '/b']);
    expect(wake).toHaveBeenCalledTimes(2);
  });

  it('has a late app due when it turns urgent', () => {
    const changed = new ChangedApps(() => undefined);
    changed.add('/a', { isUrgent: false });
    changed.add('/b', { isUrgent: false });

    changed.hurry((id) => id === '/a');

    expect(changed.list()).toEqual(['/a']);
  });
});
