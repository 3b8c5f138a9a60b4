"""Which networks a look asks."""

from __future__ import annotations

from assistant.events import Detection, SceneState, SceneTag, VideoFrame
from assistant.vision.needs import Needs, SightNeeds
from tests.doubles.vision import flat_picture
from tests.vision.test_looking import FACE

TAGS = (SceneTag("desk", 0.8),)


def look(needs, at_s, level, *, moved=False, asked=False, person=False):
    """What was asked of the networks, and the scene that it made."""
    frame = VideoFrame(at_s, flat_picture(level))
    wanted = needs.of(frame, moved=moved, asked=asked)
    objects = (Detection("person", 0.6, FACE.box),) if person else ()
    scene = SceneState(at_s, objects, (), TAGS if wanted.tags else ())
    return wanted, needs.complete(scene, wanted, frame)


def test_tags_stay_while_the_picture_stays_and_go_with_it():
    needs = SightNeeds()
    assert look(needs, 0.0, 100)[0] == Needs(faces=True, tags=True)
    wanted, scene = look(needs, 20.0, 101)
    assert not wanted.tags
    assert scene.tags == TAGS
    wanted, scene = look(needs, 21.0, 200, moved=True)
    assert wanted.tags
    wanted, scene = look(needs, 22.0, 100, moved=True)
    assert not wanted.tags, "asked at most every five seconds"
    assert scene.tags == ()
    assert look(needs, 23.0, 100, asked=True)[0].tags, "a person wants to know"


def test_tags_rest_when_told_to():
    needs = SightNeeds()
    needs.leave_out_tags(True)
    assert not look(needs, 0.0, 100, asked=True)[0].tags
    needs.leave_out_tags(False)
    assert look(needs, 1.0, 100)[0].tags


def test_faces_are_looked_for_while_anyone_is_there():
    needs = SightNeeds()
    look(needs, 0.0, 100)
    assert not look(needs, 5.0, 100)[0].faces
    assert look(needs, 6.0, 100, moved=True, person=True)[0].faces
    assert look(needs, 11.0, 100)[0].faces
    assert not look(needs, 16.0, 100)[0].faces
    assert look(needs, 17.0, 100, asked=True)[0].faces
