import { describeSchedules } from "../../support/schedules/suite";

describeSchedules("faults");
