"""Stands in for the playground's module ``script``, the form that puts together a command, where it does not compile."""


def page(i: dict) -> dict:
    """Says what to do without the form, in the place of the form."""
    tags = i.get("script_tags", "")
    i["st"].markdown(f'The installed cmx4mlops cannot show this form. The flags of the script: `cmr "{tags}" --help`')
    return {"return": 0, "end_html": ""}
