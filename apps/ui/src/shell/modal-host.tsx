import { Loader, Modal } from '@mantine/core';
import { lazy, Suspense } from 'react';
import { useApp } from '../api/queries.js';
import { ConfirmDialog } from '../app-actions/confirm-dialog.js';
import { ScaleForm } from '../app-actions/scale-form.js';
import { AboutDialog } from './about-dialog.js';
import { HelpDialog } from './help-dialog.js';
import { type ModalName, useModal } from './modal-address.js';
import { ErrorPanel } from './states.js';

const DefinitionDialog = lazy(async () => {
  const { DefinitionDialog: component } = await import('../app-form/definition-dialog.js');
  return { default: component };
});

/** Draws the dialog that the address names. */
export function ModalHost() {
  const { modal, appId, close } = useModal();
  if (modal === undefined) {
    return null;
  }
  switch (modal) {
    case 'help':
      return <HelpDialog onClose={close} />;
    case 'about':
      return <AboutDialog onClose={close} />;
    case 'create':
      return (
        <Suspense fallback={null}>
          <DefinitionDialog mode={{ kind: 'create', copyOf: appId }} onClose={close} />
        </Suspense>
      );
    case 'edit':
    case 'scale':
    case 'restart':
    case 'suspend':
    case 'destroy':
      return appId === undefined ? null : (
        <AppDialog key={appId} modal={modal} appId={appId} onClose={close} />
      );
    default:
      return modal satisfies never;
  }
}

interface AppDialogProps {
  readonly modal: Exclude<ModalName, 'help' | 'about' | 'create'>;
  readonly appId: string;
  readonly onClose: () => void;
}

function AppDialog({ modal, appId, onClose }: AppDialogProps) {
  const app = useApp(appId);
  if (modal === 'edit') {
    return (
      <Suspense fallback={null}>
        <DefinitionDialog mode={{ kind: 'edit', appId }} onClose={onClose} />
      </Suspense>
    );
  }
  if (!app.data) {
    return (
      <Modal opened onClose={onClose} title={appId} closeButtonProps={{ 'aria-label': 'Close' }}>
        {app.error ? (
          <ErrorPanel title={`${appId} cannot be shown`} error={app.error} />
        ) : (
          <Loader aria-label={`Loading ${appId}`} />
        )}
      </Modal>
    );
  }
  if (modal === 'scale') {
    return (
      <Modal
        opened
        onClose={onClose}
        title={`Scale ${appId}`}
        size="xs"
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        <ScaleForm appId={appId} instances={app.data.instances} onDone={onClose} />
      </Modal>
    );
  }
  return <ConfirmDialog action={modal} app={app.data} onClose={onClose} />;
}
