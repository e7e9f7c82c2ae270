"""The characters of each split, one class a character.

The lists were picked once and are frozen: they are part of the data set's version. Candidates
were the characters that at least four faces have. Two characters were called alike when their
outlines, scaled to the same box and turned by up to 24 degrees, correlate above 0.845 in any two
faces, or when one is the other in another case. A greedy search kept a set without alike pairs,
and every script was then dealt to the splits in the same proportions.
"""

TRAIN: str = (
    "2"  # digits
    "GHNRikxyzßþœƏƜƩƱƾȢɕɘɤ"  # Latin
    "ΔΞΩζμςϕϖϗϡ"  # Greek
    "ЋЛЩЮЯкчєњѦѴҒҖҨ"  # Cyrillic
    "ԲԵԸՁՃՄՇՊՔՖզչջռսվ"  # Armenian
    "ადორსტჭჯ"  # Georgian
    "גדהכלםמסעףרת"  # Hebrew
    "*@§←√≈☀☃★♀♥♪♫✈"  # symbols
)

VALIDATION: str = (
    "ƕƣƸɐʞ"  # Latin
    "Ψτχ"  # Greek
    "ЂЫъѮ"  # Cyrillic
    "ԾՓէ"  # Armenian
    "უფყ"  # Georgian
    "קש"  # Hebrew
    "#?℘ℵ"  # symbols
)

TEST: str = (
    "4"  # digits
    "MSawŋɞ"  # Latin
    "αλϞ"  # Greek
    "ЉДџѪ"  # Cyrillic
    "ԹԻԿՀց"  # Armenian
    "ლწჰ"  # Georgian
    "אפץצ"  # Hebrew
    "£ℜ⊕☂"  # symbols
)

CHARACTERS: dict[str, str] = {"train": TRAIN, "validation": VALIDATION, "test": TEST}
"""The characters of each split, splits in the order of their labels."""
