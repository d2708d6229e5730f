import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { settingsSchema } from '#protocol/settings.ts';
import { commandIds } from '../extension/src/commandIds.ts';

const keybinding = z.object({ command: z.string(), key: z.string(), when: z.string() });
const setting = z.object({
  type: z.string(),
  default: z.unknown(),
  scope: z.string(),
  description: z.string().optional(),
  markdownDescription: z.string().optional(),
  enum: z.array(z.string()).optional(),
  enumDescriptions: z.array(z.string()).optional(),
});
const manifestSchema = z.object({
  icon: z.string(),
  capabilities: z.object({
    untrustedWorkspaces: z.object({ supported: z.string(), restrictedConfigurations: z.array(z.string()) }),
  }),
  contributes: z.object({
    commands: z.array(z.object({ command: z.string(), title: z.string() })),
    keybindings: z.array(keybinding),
    menus: z.object({ commandPalette: z.array(z.object({ command: z.string(), when: z.string() })) }),
    configuration: z.object({ properties: z.record(z.string(), setting) }),
    walkthroughs: z.array(
      z.object({
        steps: z.array(
          z.object({
            media: z.object({ image: z.string() }),
            completionEvents: z.array(z.string()).optional(),
          }),
        ),
      }),
    ),
  }),
});

const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
const manifest = manifestSchema.parse(JSON.parse(text));
const strings = z
  .record(z.string(), z.string().min(1))
  .parse(JSON.parse(readFileSync(new URL('../package.nls.json', import.meta.url), 'utf8')));
const { properties } = manifest.contributes.configuration;
const serverSettings = Object.keys(settingsSchema.shape).filter((name) => name !== 'proxy');

describe('settings', () => {
  it('are those that the server takes, and the switch', () => {
    expect(Object.keys(properties).sort()).toEqual(['enable', ...serverSettings].map((name) => `argot.${name}`).sort());
  });

  it.each(serverSettings)('argot.%s has the default of the server', (name) => {
    const defaults: Record<string, unknown> = settingsSchema.parse({});
    expect(properties[`argot.${name}`]?.default).toEqual(defaults[name]);
  });

  it.each([
    ['argot.enable', 'language-overridable'],
    ['argot.model', 'application'],
    ['argot.hubEndpoint', 'application'],
    ['argot.threads', 'machine'],
    ['argot.gpu', 'machine'],
    ['argot.exclude', 'window'],
    ['argot.contextFromOtherFiles', 'window'],
    ['argot.multiline', 'window'],
  ])('%s has the scope %s', (name, scope) => {
    expect(properties[name]?.scope).toBe(scope);
  });

  it('are described, each choice too', () => {
    for (const [name, property] of Object.entries(properties)) {
      expect(property.description ?? property.markdownDescription, name).toMatch(/^%setting\./);
      expect(property.enumDescriptions?.length, name).toBe(property.enum?.length);
    }
  });

  it('offer the choices that the server knows', () => {
    for (const name of ['gpu', 'multiline'] as const) {
      const known = properties[`argot.${name}`]?.enum ?? [];
      for (const choice of known) expect(settingsSchema.shape[name].safeParse(choice).success, choice).toBe(true);
      expect(settingsSchema.shape[name].unwrap().options).toEqual(known);
    }
  });

  it('restricted in untrusted workspaces exist', () => {
    const restricted = manifest.capabilities.untrustedWorkspaces.restrictedConfigurations;
    for (const name of restricted) expect(Object.keys(properties)).toContain(name);
    for (const name of ['argot.model', 'argot.hubEndpoint', 'argot.exclude']) expect(restricted).toContain(name);
  });
});

describe('commands', () => {
  it('of the manifest are those that the extension registers', () => {
    expect(manifest.contributes.commands.map((each) => each.command).sort()).toEqual([...commandIds].sort());
  });

  it('of keybindings, menus and walkthrough exist', () => {
    const used = [
      ...manifest.contributes.keybindings.map((each) => each.command),
      ...manifest.contributes.menus.commandPalette.map((each) => each.command),
      ...[...JSON.stringify({ manifest, strings }).matchAll(/(?:onCommand|command):(argot\.\w+)/g)].map(([, id]) => id),
    ];
    expect(used.length).toBeGreaterThan(5);
    for (const id of used) expect(commandIds).toContain(id);
  });

  it('on keys act only while a suggestion is shown, or in a view of Argot', () => {
    for (const each of manifest.contributes.keybindings) {
      expect(each.when).toMatch(/\binlineSuggestionVisible\b|^focusedView == argot\./);
    }
  });
});

describe('strings', () => {
  const keys = [...text.matchAll(/"%([^%"]+)%"/g)].map(([, key]) => key ?? '');

  it('all have an entry, and no entry is left over', () => {
    expect(keys.length).toBeGreaterThan(30);
    expect([...new Set(keys)].sort()).toEqual(Object.keys(strings).sort());
  });
});

it('names pictures that exist', () => {
  const images = manifest.contributes.walkthroughs.flatMap((each) => each.steps.map((one) => one.media.image));
  expect(images).toHaveLength(4);
  for (const file of [manifest.icon, ...images]) {
    expect(existsSync(new URL(`../${file}`, import.meta.url)), file).toBe(true);
  }
});
