import { CREATE_INVOKES, haveTable } from "./claim-tables";

/**
 * The ids under which clients invoked tasks: sent again, such a call opens no further run. Most objects never see one, so
 * the table is made with the first. To be changed inside `transactionSync`.
 */
export class ClaimInvokes {
  constructor(private readonly sql: SqlStorage) {}

  /** The run that an invoke of this id was to follow, or undefined when it never came. */
  find(taskId: string, invokeId: string): number | undefined {
    if (!haveTable(this.sql, "invokes")) return undefined;
    const statement = "SELECT run FROM invokes WHERE task_id = ? AND invoke_id = ?";
    return this.sql.exec<{ run: number }>(statement, taskId, invokeId).toArray()[0]?.run;
  }

  add(taskId: string, invokeId: string, run: number): void {
    this.sql.exec(CREATE_INVOKES);
    this.sql.exec("INSERT OR IGNORE INTO invokes (task_id, invoke_id, run) VALUES (?, ?, ?)", taskId, invokeId, run);
  }

  list(taskId: string): readonly { readonly id: string; readonly run: number }[] {
    if (!haveTable(this.sql, "invokes")) return [];
    const statement = "SELECT invoke_id AS id, run FROM invokes WHERE task_id = ?";
    return this.sql.exec<{ id: string; run: number }>(statement, taskId).toArray();
  }

  drop(taskId: string): void {
    if (haveTable(this.sql, "invokes")) this.sql.exec("DELETE FROM invokes WHERE task_id = ?", taskId);
  }
}
