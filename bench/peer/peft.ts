import { fileURLToPath } from 'node:url';
import { providePython } from './python.ts';

const versions = { torch: '2.15.0', transformers: '5.24.0', peft: '0.21.2', gguf: '0.19.0' };

/** A Python with PyTorch, transformers and PEFT: 5 GB in the user's cache folder on Linux, since PyTorch brings CUDA. */
export function providePeft(progress: (line: string) => void): Promise<string> {
  const packages = Object.entries(versions).map(([name, version]) => `${name}==${version}`);
  return providePython(`peft-${versions.peft}`, packages, progress);
}

/** A script of native/peer. */
export function peftScript(name: string): string {
  return fileURLToPath(new URL(`../../native/peer/${name}`, import.meta.url));
}
