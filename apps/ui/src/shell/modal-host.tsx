import { Loader } from '@mantine/core';
import { lazy, Suspense } from 'react';
import { useMayChange } from '../api/access.js';
import { useApp } from '../api/queries.js';
import { ConfirmDialog } from '../app-actions/confirm-dialog.js';
import { ScaleForm } from '../app-actions/scale-form.js';
import { AboutDialog } from './about-dialog.js';
import { Dialog, useFocusReturn } from './dialog.js';
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
  const mayChange = useMayChange();
  if (modal === undefined) {
    return null;
  }
  const isLook = modal === 'help' || modal === 'about';
  if (!isLook && !mayChange) {
    return (
      <Dialog onClose={close} title="Read only">
        You may look at everything, but not change it: your role is read.
      </Dialog>
    );
  }
  return <OpenModal modal={modal} appId={appId} close={close} />;
}

function OpenModal({ modal, appId, close }: OpenModalProps) {
  // Here and not only in the dialog: by the time its code is loaded the menu it was chosen from is gone.
  useFocusReturn();
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

interface OpenModalProps {
  readonly modal: ModalName;
  readonly appId: string | undefined;
  readonly close: () => void;
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
      <Dialog onClose={onClose} title={appId}>
        {app.error ? (
          <ErrorPanel title={`${appId} cannot be shown`} error={app.error} />
        ) : (
          <Loader aria-label={`Loading ${appId}`} />
        )}
      </Dialog>
    );
  }
  if (modal === 'scale') {
    return (
      <Dialog onClose={onClose} title={`Scale ${appId}`} size="xs">
        <ScaleForm appId={appId} instances={app.data.instances} onDone={onClose} />
      </Dialog>
    );
  }
  return <ConfirmDialog action={modal} app={app.data} onClose={onClose} />;
}
