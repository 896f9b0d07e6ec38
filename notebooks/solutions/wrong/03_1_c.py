# refused: a normal that points the other way
def reflection_point(ap_m, user_m, normal, offset_m):
    before_ap, before_user = normal @ ap_m - offset_m, normal @ user_m - offset_m  # distances from the wall, with sign
    if before_ap > 0 or before_user > 0:
        return None
    image_m = mirrored(ap_m, normal, offset_m)
    t = (offset_m - normal @ image_m) / (normal @ (user_m - image_m))
    return image_m + t * (user_m - image_m)
