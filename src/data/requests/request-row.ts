import { getTableColumns } from "drizzle-orm";
import { requests } from "../schema/requests";

const {
  request: _request,
  subject: _subject,
  targetId: _targetId,
  leftovers: _leftovers,
  ...columns
} = getTableColumns(requests);

/** The columns that make a `StandingRequest`: not the request as it was sent, which may be long. */
export const requestTerms = columns;
