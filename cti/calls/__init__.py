"""The call model. It knows no PBX, no database and no clock: events in, changes out."""
