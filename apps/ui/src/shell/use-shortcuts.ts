import { useEffect, useRef } from 'react';
import { useLocation, useNavigate } from 'react-router';
import { NO_KEYS, reduceKeys, type Shortcut } from './key-sequence.js';
import { useModal } from './modal-address.js';
import { focusSearch } from './search-focus.js';

/** Carries out the single keys. An open dialog keeps them to itself. */
export function useShortcuts(toggleColorScheme: () => void): void {
  const navigate = useNavigate();
  const { pathname } = useLocation();
  const modal = useModal();
  const actions: Readonly<Record<Shortcut, () => void>> = {
    create: () => modal.open('create'),
    help: () => modal.open('help'),
    about: () => modal.open('about'),
    goApps: () => void navigate('/apps'),
    goDeployments: () => void navigate('/deployments'),
    edit: () => {
      if (pathname.startsWith('/apps/')) {
        modal.open('edit', pathname.slice('/apps'.length));
      }
    },
    search: () => {
      if (!focusSearch()) {
        void Promise.resolve(navigate('/apps')).then(() => requestAnimationFrame(focusSearch));
      }
    },
    toggleColorScheme,
  };
  const latest = useRef(actions);
  const hasOpenDialog = useRef(false);
  useEffect(() => {
    latest.current = actions;
    hasOpenDialog.current = modal.modal !== undefined;
  });

  useEffect(() => {
    let state = NO_KEYS;
    const onKeyDown = (event: KeyboardEvent) => {
      const press = {
        key: event.key,
        hasModifier: event.ctrlKey || event.metaKey || event.altKey,
        isTyping: isTyping(event.target) || hasOpenDialog.current,
      };
      const reduction = reduceKeys(state, press, event.timeStamp);
      state = reduction.state;
      if (reduction.shortcut) {
        event.preventDefault();
        latest.current[reduction.shortcut]();
      }
    };
    window.addEventListener('keydown', onKeyDown);
    return () => window.removeEventListener('keydown', onKeyDown);
  }, []);
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) {
    return false;
  }
  if (target.closest('[role="dialog"]')) {
    return true;
  }
  const isButtonLike = target instanceof HTMLInputElement && target.type === 'checkbox';
  return (
    !isButtonLike &&
    (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName))
  );
}
