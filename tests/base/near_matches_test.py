from sib_tf.base.near_matches import did_you_mean

KNOWN = ("ResNet50", "ResNet101", "ResNet152", "ResNet50V2", "VGG16")


def test_the_nearest_names_come_first_whatever_their_case():
    assert did_you_mean("resnet_50", KNOWN).startswith('"ResNet50" or "ResNet')
    assert did_you_mean("vgg", KNOWN) == '"VGG16"'


def test_far_names_have_no_near_ones():
    assert did_you_mean("conv4", KNOWN) == ""
