export { describeEmulated, describeNotRun, suiteNotRun, type Emulators } from './describe-emulated.ts'
export { faultyLink, type FaultyLink } from './faulty-link.ts'
export type { EmulatorName } from './emulator-plan.ts'
export { firestoreEmulator, freshProjectId, pubsubEmulator, shareEmulators, stopEmulators, type NoEmulator, type RunningEmulator } from './shared-emulators.ts'
