"""The sections of the page: what each says, beside its template."""
