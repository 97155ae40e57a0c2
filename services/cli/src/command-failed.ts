/** A command that did what it could and was refused or failed: its text is for the user, exit code 1. */
export class CommandFailed extends Error {}

/** The command was called wrongly: exit code 2. */
export class WrongUse extends Error {}
