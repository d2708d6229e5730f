/** Every command of the manifest; test/manifest.test.ts compares. */
export const commandIds = [
  'argot.showMenu',
  'argot.chooseModel',
  'argot.downloadDefaultModel',
  'argot.whyNoSuggestion',
  'argot.showLastCompletion',
  'argot.snooze',
  'argot.toggleForLanguage',
  'argot.toggleForFolder',
  'argot.trainNow',
  'argot.manageAdapters',
  'argot.rollBackAdapter',
  'argot.importAdapter',
  'argot.openSettings',
  'argot.showOutput',
  'argot.restartServer',
  'argot.showPolicy',
  'argot.checkPolicyFile',
  'argot.verifyLedger',
  'argot.exportLedger',
  'argot.acceptNextWord',
  'argot.acceptNextLine',
  'argot.dismiss',
] as const;

export type CommandId = (typeof commandIds)[number];
export type Handlers = Readonly<Record<CommandId, () => unknown>>;
