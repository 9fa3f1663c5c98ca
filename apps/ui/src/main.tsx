import '@mantine/core/styles.css';
import './styles/tokens.css';
import './styles/shell.css';
import './styles/tables.css';
import './styles/marks.css';
import './styles/pages.css';
import './styles/routes.css';
import { MantineProvider } from '@mantine/core';
import { QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { BrowserRouter, Navigate, Route, Routes } from 'react-router';
import { ChangesProvider } from './api/changes.js';
import { createQueryClient } from './api/query-client.js';
import { AppPage } from './app-page/app-page.js';
import { AppsPage } from './apps/apps-page.js';
import { DeploymentsPage } from './deployments/deployments-page.js';
import { RoutesPage } from './routes/routes-page.js';
import { CrashBoundary } from './shell/crash-boundary.js';
import { NotFoundPage } from './shell/not-found-page.js';
import { Shell } from './shell/shell.js';
import { theme } from './shell/theme.js';
import { ToastsProvider } from './shell/toasts.js';

function Pages() {
  return (
    <Routes>
      <Route element={<Shell />}>
        <Route index element={<Navigate to="/apps" replace />} />
        <Route path="apps" element={<AppsPage />} />
        <Route path="apps/*" element={<AppPage />} />
        <Route path="group/*" element={<AppsPage />} />
        <Route path="deployments" element={<DeploymentsPage />} />
        <Route path="routes" element={<RoutesPage />} />
        <Route path="*" element={<NotFoundPage />} />
      </Route>
    </Routes>
  );
}

const root = document.getElementById('root');
if (root) {
  createRoot(root).render(
    <StrictMode>
      <MantineProvider theme={theme} defaultColorScheme="auto">
        <CrashBoundary>
          <QueryClientProvider client={createQueryClient()}>
            {/* Without transitions: keys pressed right after a jump must find the new page. */}
            <BrowserRouter basename="/ui" useTransitions={false}>
              <ToastsProvider>
                <ChangesProvider>
                  <Pages />
                </ChangesProvider>
              </ToastsProvider>
            </BrowserRouter>
          </QueryClientProvider>
        </CrashBoundary>
      </MantineProvider>
    </StrictMode>,
  );
}
