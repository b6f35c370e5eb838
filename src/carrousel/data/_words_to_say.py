"""Common English words, for speech that is made."""

from __future__ import annotations

__all__ = ["WORDS"]

_TEXT = """
able about above across act add after again age air all almost alone along already also always among anger animal
answer any apple area arm army around arrive art ask autumn away baby back bad bag ball bank bar base basket bath beach
bear beauty because become bed before begin behind bell below bench beside best better between big bird birth bite
black blade blanket blood blow blue board boat body boil bone book boot border born both bottle bottom bowl box boy
branch brass brave bread break breath bridge bright bring brother brown brush bucket build burn bus bush busy butter
button buy cake call calm camera camp candle car card care carry cart case castle cat cause cell center certain chain
chair chalk chance change cheap cheese chest chicken chief child choice church circle city class clean clear clerk
clever climb clock close cloth cloud coal coast coat coffee cold collar colour comb come common company cook copper
copy corner cotton cough count country cousin cover cow crack cream crime cross crowd cruel cry cup current curtain
curve cut damage dance danger dark daughter day deal dear death debt decide deep degree depend desert desk detail die
dinner dirt dish distance doctor dog door doubt down dozen draw dream dress drink drive drop dry duck dust each early
earth east easy eat edge effect egg eight either elbow electric end engine enjoy enough enter equal evening event ever
every example expert eye face fact fair fall family famous far farm fast fat father fear feather feed feeling female
fence few field fight figure fill film final find finger finish fire first fish five flag flame flat flight floor flour
flower fly fold follow food foot force forest forget fork form forward four frame free fresh friend from front frozen
fruit full future garden gate gather general gentle get gift girl give glass glove goat gold good grain grand grass
gray great green ground group grow guard guess guide gun hair half hammer hand hang happy harbour hard hat have head
health hear heart heat heavy height help here hide high hill hold hole holiday hollow home honey hope horn horse
hospital hotel hour house how humour hundred hungry hurry hurt ice idea important inch increase inside iron island
jelly jewel job join journey joy judge jump just keep kettle key kick kind king kiss kitchen knee knife knock know lady
lake lamp land large last late laugh law lazy lead leaf learn least leather leave left leg lemon lesson letter level
library lift light like limit line linen lion lip liquid list listen little live lock long look loose loss loud love
low lucky lunch machine main make male manage many map mark market marriage mass match material matter maybe meal
measure meat medicine meet member memory metal middle might mile milk million mind mine minute mirror miss mist mix
modern moment money monkey month moon more morning mother motion mountain mouth move much muscle music nail name narrow
nation nature near neck need needle neighbour nerve nest never new next nice night nine noise normal north nose note
nothing now number nurse object ocean offer office often oil old once onion only open orange order other oven over own
page pain paint pair paper parcel parent park part party pass past path patient payment peace pen pencil people pepper
perfect person phone picture piece pig pilot pin pipe place plane plant plate play please plenty pocket point poison
polish poor position possible pot potato powder present pretty price print prison private prize produce promise proof
proud public pull pump punishment pure push put quality question quick quiet quite rabbit race radio rail rain raise
range rat reach read ready reason record red regular relation remember repeat reply rest reward rhythm rice rich ride
right ring rise river road rock roll roof room root rope rough round row rule run sad safe sail salt same sand say
scale school science scissors sea seat second secret see seed self sell send sense separate serious servant seven shade
shake shame sharp sheep shelf ship shirt shock shoe shop short should shoulder show shut sick side sign silk silver
simple since sing single sister sit six skin skirt sky sleep slip slope slow small smell smile smoke smooth snake snow
soap society sock soft some son song soon sound soup south space spade speak special spell spend spider spoon spring
square stage stamp star start station steam steel stem step stick stone stop store storm story strange street stretch
strong sudden sugar summer sun support surprise sweet swim system table tail take talk tall taste tax teacher team tell
ten test thank theory thick thief thin thing think third thousand thread three throat through throw thumb thunder
ticket tight time tin tired toe together tomorrow tongue tooth top touch town toy trade train travel tray tree trick
trouble true trust turn twelve twenty twist two ugly umbrella uncle under until use usual valley value vegetable verse
very vessel view village violence vision visit voice vowel voyage wait walk wall want war warm wash waste watch water
wave wax way weather week weight west wet wheel when while whip whistle white wide wild will win wind window wine wing
winter wire wise wish woman wonder wood wool word work world worry wound write wrong yard year yellow yesterday yet
young youth zebra zero
"""
WORDS = tuple(_TEXT.split())
"""Nine hundred and one, in the order of the alphabet."""
