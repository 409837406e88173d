/// Why a token was not believed. Raw values index a block of counters, labels are the metric's; the client learns only
/// whether its token has expired.
public enum TokenRefusal: Int, Error, CaseIterable, Sendable {
    /// More bytes than ``Limits/maxTokenBytes``.
    case tooLong
    /// Not three parts of Base64url with two JSON objects, or a header that asks for what no reader here knows.
    case malformed
    /// The header names an algorithm that the configuration does not allow: `none`, too.
    case algorithm
    /// No key of that algorithm has the header's `kid`, or none is configured at all.
    case unknownKey
    /// The key set could not be had: nothing is wrong with the token, and the client may try again.
    case keysUnavailable
    /// The token's key is not known, and the key set was not read since the token came: it was read too recently, or did not
    /// answer. The key may be a new one, so the client may try again.
    case keyPending
    /// The signature is not one of any key.
    case signature
    /// `exp` has passed.
    case expired
    /// `nbf` is to come.
    case notYetValid
    /// `aud` lacks the configured audience.
    case audience
    /// `iss` is not the configured issuer.
    case issuer
    /// A claim is of the wrong type or holds what can't be.
    case claims
    /// A subscription token where a connection token belongs, or the other way round.
    case purpose
    /// A refresh or subscription token of another user.
    case otherUser
    /// A subscription token of another channel or client.
    case otherChannel

    /// Whether the same token may be good a moment later.
    public var isTemporary: Bool { self == .keysUnavailable || self == .keyPending }

    /// The value of the `reason` label.
    public var label: String {
        switch self {
        case .tooLong: "too_long"
        case .malformed: "malformed"
        case .algorithm: "algorithm"
        case .unknownKey: "unknown_key"
        case .keysUnavailable: "keys_unavailable"
        case .keyPending: "key_pending"
        case .signature: "signature"
        case .expired: "expired"
        case .notYetValid: "not_yet_valid"
        case .audience: "audience"
        case .issuer: "issuer"
        case .claims: "claims"
        case .purpose: "purpose"
        case .otherUser: "other_user"
        case .otherChannel: "other_channel"
        }
    }
}
