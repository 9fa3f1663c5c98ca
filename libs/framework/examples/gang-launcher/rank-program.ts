/** What a rank does unless told otherwise: it listens on its port, waits until it has met all peers, and stays. */
export const RANK_PROGRAM = `
import os, socket, threading, time

rank, peers = int(os.environ['RANK']), os.environ['PEERS'].split(',')
server = socket.create_server(('', int(os.environ['PORT'])))

def answer():
    while True:
        connection, _ = server.accept()
        connection.sendall(b'rank %d' % rank)
        connection.close()

threading.Thread(target=answer, daemon=True).start()

def meet(index, peer):
    host, port = peer.rsplit(':', 1)
    while True:
        try:
            with socket.create_connection((host, int(port)), timeout=2) as connection:
                if connection.recv(100) == b'rank %d' % index:
                    return
        except OSError:
            time.sleep(0.1)

for index, peer in enumerate(peers):
    meet(index, peer)
print('rank %d of %d has met all its peers: %s' % (rank, len(peers), ' '.join(peers)), flush=True)
while True:
    time.sleep(3600)
`;
