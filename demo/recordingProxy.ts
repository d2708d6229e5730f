import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';

/** Passes a member's connections on to the coordinator, and keeps every byte that the member sent. */
export interface RecordingProxy extends AsyncDisposable {
  readonly url: string;
  readonly file: string;
  sentBytes(): number;
}

export async function startRecordingProxy(coordinatorPort: number, file: string): Promise<RecordingProxy> {
  const record = createWriteStream(file, { flags: 'a' });
  const open = new Set<Socket>();
  let sent = 0;
  const server = createServer((member) => {
    const coordinator = connect(coordinatorPort, '127.0.0.1');
    for (const socket of [member, coordinator]) {
      open.add(socket);
      socket.on('close', () => open.delete(socket));
      socket.on('error', () => {
        member.destroy();
        coordinator.destroy();
      });
    }
    member.on('data', (bytes) => {
      sent += bytes.length;
      record.write(bytes);
    });
    member.pipe(coordinator).pipe(member);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The proxy has no port.');
  return {
    url: `http://127.0.0.1:${address.port}`,
    file,
    sentBytes: () => sent,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      server.close();
      record.end();
      await once(record, 'close');
    },
  };
}
