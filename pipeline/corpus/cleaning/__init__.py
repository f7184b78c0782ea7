"""Cleaning: the blocks that repair, change and filter the texts of a record, one file each.

A recipe lists them in ``data.cleaning``; each entry is the section of one block, chosen by ``kind``. Unicode normalisation, whitespace,
lengths and the share of letters are part of every corpus (``data.filter``), and `records` and `cleaner` apply them:

1. *repairs* see the text as it was read (`encoding`);
2. normalisation (`pipeline.corpus.normalise`);
3. *changes*, in the order of the recipe (`boilerplate`, `c4_lines`, `private`, `names`);
4. lengths and letters of ``data.filter``;
5. *filters*, in the order of the recipe (`language`, `gopher`, ...), which see the whole text;
6. cutting or splitting of texts that are too long.

A section is pydantic only and imports in a millisecond. What a block needs beyond (``ftfy``, ``numpy``, ...) it imports when it starts. A package
of one's own adds a block through an entry point of the group ``trainshed.cleaning``.
"""

from pipeline.lookup import Table

BLOCKS = Table(
    "cleaning block",
    "trainshed.cleaning",
    {
        "encoding": "pipeline.corpus.cleaning.encoding:Encoding",
        "boilerplate": "pipeline.corpus.cleaning.boilerplate:Boilerplate",
        "c4_lines": "pipeline.corpus.cleaning.c4_lines:C4Lines",
        "private": "pipeline.corpus.cleaning.private:Private",
        "names": "pipeline.corpus.cleaning.names:Names",
        "language": "pipeline.corpus.cleaning.language:Language",
        "scripts": "pipeline.corpus.cleaning.scripts:Scripts",
        "gopher": "pipeline.corpus.cleaning.gopher:Gopher",
        "repetition": "pipeline.corpus.cleaning.repetition:Repetition",
        "c4": "pipeline.corpus.cleaning.c4:C4",
        "blocklist": "pipeline.corpus.cleaning.blocklist:Blocklist",
        "vocabulary": "pipeline.corpus.cleaning.vocabulary:Vocabulary",
        "license": "pipeline.corpus.cleaning.license:License",
    },
)
