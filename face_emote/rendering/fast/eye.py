"""The wet eye: iris seen through a refracting cornea, sclera with vessels, tear line, mirrored lights.

The numbers are those of `skin.eyes`, the formulas are written out in docs/shading.md.
"""

import math

from face_emote.look import eyes as eye
from face_emote.rendering.fast.lighting import smoothstep, value_noise
from face_emote.rendering.fast.materials import add_highlights, plain_diffuse
from face_emote.rendering.stage.kernels import compiled, inlined

RIGHT, UP, AXIS, CENTRE, INNER, OUTER = range(6)
"""Rows of `Look.eyes`."""


@inlined
def _distance(p, q):
    return math.sqrt((p[0] - q[0]) ** 2 + (p[1] - q[1]) ** 2 + (p[2] - q[2]) ** 2)


@compiled
def trace_cornea(x, y, z, wx, wy, wz, normal):
    """Follow a view ray through the cornea to the iris; all in the eye's frame, in ball radii.

    Args:
        x: With y and z, where the ray meets the ball.
        y: See x.
        z: See x.
        wx: With wy and wz, unit vector from there to the camera.
        wy: See wx.
        wz: See wx.
        normal: [3] receives the cornea's unit normal where the ray enters.

    Returns:
        x and y on the iris plane.
    """
    cz = z - eye.CORNEA_CENTRE
    along = x * wx + y * wy + cz * wz
    inside = along * along - (x * x + y * y + cz * cz - eye.CORNEA_RADIUS**2)
    t = -along + math.sqrt(max(inside, 0.0))
    px, py, pz = x + t * wx, y + t * wy, cz + t * wz
    scale = 1.0 / math.sqrt(px * px + py * py + pz * pz + 1e-12)
    nx, ny, nz = px * scale, py * scale, pz * scale
    cosine = max(nx * wx + ny * wy + nz * wz, 0.0)
    bend = eye.REFRACTION * cosine - math.sqrt(1.0 - eye.REFRACTION**2 * (1.0 - cosine * cosine))
    dx, dy, dz = bend * nx - eye.REFRACTION * wx, bend * ny - eye.REFRACTION * wy, bend * nz - eye.REFRACTION * wz
    reach = (eye.IRIS_PLANE - eye.CORNEA_CENTRE - pz) / min(dz, -0.2)
    normal[0], normal[1], normal[2] = nx, ny, nz
    return px + reach * dx, py + reach * dy


@inlined
def _iris(out, look, x, y, lx, ly):
    """Colour of the iris at (x, y) of its plane, for a light whose direction is (lx, ly) across it."""
    distance = math.sqrt(x * x + y * y + 1e-9)
    r = distance / eye.IRIS_RADIUS
    cx, cy = x / distance, y / distance
    fibres = 0.0
    for octave in eye.FIBRES:
        fibres += octave[3] * value_noise(cx * octave[0], cy * octave[0], r * octave[1] + octave[2])
    caustic = max(0.35, 1.0 - eye.CAUSTIC * r * (cx * lx + cy * ly))
    collar = eye.COLLARETTE[2] * smoothstep(eye.COLLARETTE[0], eye.COLLARETTE[1], r + 0.12 * (fibres - 0.5))
    width = eye.LIMBAL_WIDTH[0] + (eye.LIMBAL_WIDTH[1] - eye.LIMBAL_WIDTH[0]) * look.age
    depth = eye.LIMBAL_DEPTH[0] + (eye.LIMBAL_DEPTH[1] - eye.LIMBAL_DEPTH[0]) * look.age
    light = caustic * (1.0 - depth * smoothstep(1.0 - width, 1.03, r))
    light *= smoothstep(look.pupil - eye.PUPIL_EDGE, look.pupil + eye.PUPIL_EDGE, r)
    light *= (eye.FIBRE_RANGE[0] + eye.FIBRE_RANGE[1] * fibres) * (1.0 - 0.25 * r)
    for k in range(3):
        out[k] = look.iris[k] * light * (1.0 + collar * (eye.COLLARETTE_TINT[k] - 1.0))


@inlined
def _sclera(out, look, x, y, z, off_axis, p, frame):
    """Colour of the white of the eye; `off_axis` in limbus radii."""
    warp = value_noise(x * 7.0 + 5.0, y * 7.0, z * 7.0)
    fine = value_noise(x * 11.0 + 2.0 * warp, y * 26.0 + 2.0 * warp, z * 11.0)
    branch = value_noise(x * 23.0 - 2.0 * warp, y * 41.0, z * 23.0 + 2.0 * warp)
    veins = (1.0 - abs(2.0 * fine - 1.0)) ** eye.VESSEL_SHARPNESS
    veins += 0.6 * (1.0 - abs(2.0 * branch - 1.0)) ** eye.VESSEL_SHARPNESS
    inner, outer = _distance(p, frame[INNER]), _distance(p, frame[OUTER])
    corner = smoothstep(eye.CORNER_REACH[0], eye.CORNER_REACH[1], inner)
    corner = max(corner, smoothstep(eye.CORNER_REACH[0], eye.CORNER_REACH[1], outer))
    away = smoothstep(1.25, 2.6, off_axis)
    red = eye.VESSELS * (1.0 + look.redness) * veins * (0.25 + 0.75 * away)
    red += eye.PINK * away + eye.CORNER_PINK * corner + eye.FLUSH_REDNESS * look.redness * (0.35 + 0.65 * away)
    red = min(0.85, red)
    flesh = smoothstep(eye.CARUNCLE_REACH[0], eye.CARUNCLE_REACH[1], inner)
    for k in range(3):
        white = eye.SCLERA_YOUNG[k] + (eye.SCLERA_OLD[k] - eye.SCLERA_YOUNG[k]) * look.age
        white += red * (eye.VESSEL[k] - white)
        out[k] = white + flesh * (eye.CARUNCLE[k] - white)


@inlined
def _window(rx, ry, rz, wx, wy, wz):
    """How much of the mirrored window lies in direction r; w is the direction of its middle, not normalised."""
    inverse = 1.0 / math.sqrt(wx * wx + wy * wy + wz * wz)
    wx, wy, wz = wx * inverse, wy * inverse, wz * inverse
    along = rx * wx + ry * wy + rz * wz
    if along <= 0.2:
        return 0.0
    level = 1.0 / math.sqrt(wx * wx + wz * wz + 1e-9)
    across = abs((rx * wz - rz * wx) * level) / along
    high = abs(((rz * wz + rx * wx) * -wy + ry * (wx * wx + wz * wz)) * level) / along
    e, b = eye.WINDOW_EDGE, eye.WINDOW_BAR
    pane = smoothstep(eye.WINDOW_HALF[0] + e, eye.WINDOW_HALF[0] - e, across)
    pane *= smoothstep(eye.WINDOW_HALF[1] + e, eye.WINDOW_HALF[1] - e, high)
    bars = max(smoothstep(2.0 * b, 0.5 * b, across), smoothstep(2.0 * b, 0.5 * b, high))
    return pane * (1.0 - eye.WINDOW_BAR_SHADE * bars)


@inlined
def _mirror(out, light, sky, m, v, seen, lid, cornea):
    """Lights and sky in the tear film, on normal m; `cornea` 1 on the cornea, 0 on the white."""
    d = light.directions
    m_v = m[0] * v[0] + m[1] * v[1] + m[2] * v[2]
    rx, ry, rz = 2.0 * m_v * m[0] - v[0], 2.0 * m_v * m[1] - v[1], 2.0 * m_v * m[2] - v[2]
    pane = _window(rx, ry, rz, d[0, 0], eye.WINDOW_LOWERED * d[0, 1], d[0, 2])
    pane *= eye.WINDOW_SCLERA + (eye.WINDOW_CORNEA - eye.WINDOW_SCLERA) * cornea
    pane *= (eye.WINDOW_SHADOWED + (1.0 - eye.WINDOW_SHADOWED) * seen) * lid
    facing_fill = rx * d[1, 0] + ry * d[1, 1] + rz * d[1, 2]
    disc = smoothstep(eye.FILL_LOW, eye.FILL_HIGH, facing_fill) * eye.FILL_MIRRORED * cornea * lid
    grazing = 1.0 - max(m_v, 0.0)
    fresnel = eye.WET_F0 + (1.0 - eye.WET_F0) * grazing**5
    above = eye.MIRRORED_SKY * fresnel * max(0.0, 0.6 + 0.4 * ry) * sky[6]
    for k in range(3):
        out[k] += light.colours[0, k] * pane + light.colours[1, k] * disc + sky[k] * above
    roughness = eye.GLOSS_SCLERA + (eye.GLOSS_CORNEA - eye.GLOSS_SCLERA) * cornea
    add_highlights(out, light, m[0], m[1], m[2], v[0], v[1], v[2], roughness, eye.WET_F0, lid, seen, sky[6])


@compiled
def shade_eye(out, scratch, look, light, sky, n, v, p, seen, q, clear, standing):
    """One point of an eyeball.

    `scratch` three work vectors, `q` [3] direction in the eye's frame, `clear` metres down from the upper lid,
    `standing` metres up from the lower one (both end at some millimetres).
    """
    albedo, m, colour = scratch
    frame = look.eyes[0 if _distance(p, look.eyes[0, CENTRE]) < _distance(p, look.eyes[1, CENTRE]) else 1]
    inverse = 1.0 / math.sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + 1e-12)
    x, y, z = q[0] * inverse, q[1] * inverse, q[2] * inverse
    d = light.directions
    wx = v[0] * frame[RIGHT, 0] + v[1] * frame[RIGHT, 1] + v[2] * frame[RIGHT, 2]
    wy = v[0] * frame[UP, 0] + v[1] * frame[UP, 1] + v[2] * frame[UP, 2]
    wz = v[0] * frame[AXIS, 0] + v[1] * frame[AXIS, 1] + v[2] * frame[AXIS, 2]
    lx = d[0, 0] * frame[RIGHT, 0] + d[0, 1] * frame[RIGHT, 1] + d[0, 2] * frame[RIGHT, 2]
    ly = d[0, 0] * frame[UP, 0] + d[0, 1] * frame[UP, 1] + d[0, 2] * frame[UP, 2]
    off_axis = math.sqrt(x * x + y * y + 1e-9) / eye.LIMBUS
    white, cornea = smoothstep(eye.WHITE[0], eye.WHITE[1], off_axis), 0.0
    colour[0], colour[1], colour[2] = 0.0, 0.0, 0.0
    m[0], m[1], m[2] = n[0], n[1], n[2]
    if off_axis < eye.WHITE[1]:
        hit_x, hit_y = trace_cornea(x, y, z, wx, wy, wz, albedo)
        cornea = smoothstep(eye.CORNEA_RIM[0], eye.CORNEA_RIM[1], off_axis)
        for k in range(3):
            bent = albedo[0] * frame[RIGHT, k] + albedo[1] * frame[UP, k] + albedo[2] * frame[AXIS, k]
            m[k] += cornea * (bent - n[k])
        inverse = 1.0 / math.sqrt(m[0] * m[0] + m[1] * m[1] + m[2] * m[2] + 1e-12)
        for k in range(3):
            m[k] *= inverse
        _iris(colour, look, hit_x, hit_y, lx, ly)
    if white > 0.0:
        _sclera(albedo, look, x, y, z, off_axis, p, frame)
        for k in range(3):
            colour[k] += white * (albedo[k] - colour[k])
    plain_diffuse(out, colour, light, n[0], n[1], n[2], eye.SCLERA_WRAP * white, seen, sky)
    t, s = min(1.0, clear / eye.LID_SHADOW), min(1.0, standing / eye.SOCKET_REACH)
    lid, socket = t * (2.0 - t), s * (2.0 - s)
    shade = (eye.LID_FLOOR + (1.0 - eye.LID_FLOOR) * lid) * (eye.SOCKET_FLOOR + (1.0 - eye.SOCKET_FLOOR) * socket)
    for k in range(3):
        out[k] *= shade ** eye.LID_WARMTH[k]
        out[k] += colour[k] * eye.LID_GLOW[k] * light.colours[0, k] * (1.0 - shade)
    _mirror(out, light, sky, m, v, seen, lid, cornea)
    tear = smoothstep(eye.TEAR[0], eye.TEAR[1], standing) * (1.0 + eye.TEAR_FLOOD * look.redness)
    if tear > 0.0:
        for k in range(3):
            albedo[k] = n[k] + eye.TEAR_LIFT * frame[UP, k]
        inverse = 1.0 / math.sqrt(albedo[0] * albedo[0] + albedo[1] * albedo[1] + albedo[2] * albedo[2] + 1e-12)
        tx, ty, tz = albedo[0] * inverse, albedo[1] * inverse, albedo[2] * inverse
        for k in range(3):
            out[k] += sky[k] * eye.TEAR_GLOW * tear
        add_highlights(
            out, light, tx, ty, tz, v[0], v[1], v[2], eye.TEAR_ROUGHNESS, eye.TEAR_F0, tear, seen, sky[6]
        )  # fmt: skip
