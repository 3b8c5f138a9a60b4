"""Which of the detector's classes a tag of the whole picture is a kind of.

Written down one by one, for names deceive: a Madagascar cat is a lemur, a passenger car runs on rails, a custard apple
is no apple, and the kite of ImageNet is a bird. What is not here is of no class.
"""

from __future__ import annotations

_TABLE = """
bicycle: bicycle-built-for-two, mountain bike
car: beach wagon, cab, convertible, jeep, limousine, minivan, Model T, racer, sports car
motorcycle: moped, motor scooter
airplane: airliner, warplane
bus: minibus, school bus, trolleybus
train: bullet train, electric locomotive, freight car, passenger car, steam locomotive
truck: fire engine, garbage truck, moving van, pickup, tow truck, trailer truck
boat: canoe, catamaran, container ship, fireboat, gondola, lifeboat, liner, schooner, speedboat, trimaran, yawl
traffic light: traffic light
parking meter: parking meter
bench: park bench
bird: cock, hen, ostrich, brambling, goldfinch, house finch, junco, indigo bunting, robin, bulbul, jay, magpie,
  chickadee, water ouzel, kite, bald eagle, vulture, great grey owl, black grouse, ptarmigan, ruffed grouse, prairie
  chicken, peacock, quail, partridge, African grey, macaw, sulphur-crested cockatoo, lorikeet, coucal, bee eater,
  hornbill, hummingbird, jacamar, toucan, drake, red-breasted merganser, goose, black swan, white stork, black stork,
  spoonbill, flamingo, little blue heron, American egret, bittern, crane bird, limpkin, European gallinule, American
  coot, bustard, ruddy turnstone, red-backed sandpiper, redshank, dowitcher, oystercatcher, pelican, king penguin,
  albatross
cat: tabby, tiger cat, Persian cat, Siamese cat, Egyptian cat
dog: Chihuahua, Japanese spaniel, Maltese dog, Pekinese, Shih-Tzu, Blenheim spaniel, papillon, toy terrier, Rhodesian
  ridgeback, Afghan hound, basset, beagle, bloodhound, bluetick, black-and-tan coonhound, Walker hound, English
  foxhound, redbone, borzoi, Irish wolfhound, Italian greyhound, whippet, Ibizan hound, Norwegian elkhound,
  otterhound, Saluki, Scottish deerhound, Weimaraner, Staffordshire bullterrier, American Staffordshire terrier,
  Bedlington terrier, Border terrier, Kerry blue terrier, Irish terrier, Norfolk terrier, Norwich terrier, Yorkshire
  terrier, wire-haired fox terrier, Lakeland terrier, Sealyham terrier, Airedale, cairn, Australian terrier, Dandie
  Dinmont, Boston bull, miniature schnauzer, giant schnauzer, standard schnauzer, Scotch terrier, Tibetan terrier,
  silky terrier, soft-coated wheaten terrier, West Highland white terrier, Lhasa, flat-coated retriever, curly-coated
  retriever, golden retriever, Labrador retriever, Chesapeake Bay retriever, German short-haired pointer, vizsla,
  English setter, Irish setter, Gordon setter, Brittany spaniel, clumber, English springer, Welsh springer spaniel,
  cocker spaniel, Sussex spaniel, Irish water spaniel, kuvasz, schipperke, groenendael, malinois, briard, kelpie,
  komondor, Old English sheepdog, Shetland sheepdog, collie, Border collie, Bouvier des Flandres, Rottweiler, German
  shepherd, Doberman, miniature pinscher, Greater Swiss Mountain dog, Bernese mountain dog, Appenzeller, EntleBucher,
  boxer, bull mastiff, Tibetan mastiff, French bulldog, Great Dane, Saint Bernard, Eskimo dog, malamute, Siberian
  husky, dalmatian, affenpinscher, basenji, pug, Leonberg, Newfoundland, Great Pyrenees, Samoyed, Pomeranian, chow,
  keeshond, Brabancon griffon, Pembroke, Cardigan, toy poodle, miniature poodle, standard poodle, Mexican hairless
horse: sorrel
sheep: bighorn, ram
cow: ox, water buffalo
elephant: African elephant, Indian elephant, tusker
bear: American black bear, brown bear, ice bear, sloth bear
zebra: zebra
backpack: backpack
umbrella: umbrella
tie: Windsor tie
skis: ski
sports ball: baseball, basketball, croquet ball, golf ball, ping-pong ball, rugby ball, soccer ball, tennis ball,
  volleyball
tennis racket: racket
bottle: beer bottle, pill bottle, pop bottle, water bottle, wine bottle
wine glass: goblet
cup: coffee mug, cup
knife: cleaver
spoon: wooden spoon
bowl: mixing bowl, soup bowl
banana: banana
apple: Granny Smith
orange: orange
broccoli: broccoli
hot dog: hotdog
pizza: pizza
chair: barber chair, folding chair, rocking chair
couch: studio couch
bed: four-poster
dining table: desk, dining table
tv: television
laptop: laptop, notebook
mouse: mouse
remote: remote control
keyboard: computer keyboard
cell phone: cellular telephone
microwave: microwave
toaster: toaster
sink: washbasin
refrigerator: refrigerator
book: comic book
clock: analog clock, digital clock, wall clock
vase: vase
teddy bear: teddy
hair drier: hand blower
"""
"""A row is: class of COCO: names of ImageNet, as the tagger's model spells them ("cairn" is a dog, "Cardigan" too, but
"cardigan" is none). What begins with a space goes on with the row above."""

_FAMILIES = (
    frozenset({"bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat"}),
    frozenset({"bird", "cat", "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe", "teddy bear"}),
    frozenset({"banana", "apple", "sandwich", "orange", "broccoli", "carrot", "hot dog", "pizza", "donut", "cake"}),
)
"""Classes that the detector takes for each other."""


def _classes(table: str) -> dict[str, str]:
    rows = (row.split(":") for row in table.strip().replace("\n  ", " ").splitlines())
    return {tag.strip(): label for label, tags in rows for tag in tags.split(",")}


TAG_CLASSES = _classes(_TABLE)
"""Tag → class."""


def disagrees(tag: str, label: str) -> bool:
    """Whether a tag says that what the detector is not sure of is something else of that sort: a cat and no dog."""
    own = TAG_CLASSES.get(tag)
    return own != label and any({own, label} <= family for family in _FAMILIES)
