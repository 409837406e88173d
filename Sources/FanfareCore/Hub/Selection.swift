import FanfareWire

/// What a subscription gets that does not get the frames that all others of its format get.
public enum Selection: Sendable, Hashable {
    /// Only publications that a filter lets through.
    case filtered(TagFilter)
    /// What changed since the publication before, once it has had a whole one; in a format whose codec has deltas.
    case deltas

    /// Whether it gets this publication.
    func takes(_ publication: Publication) -> Bool {
        guard case .filtered(let filter) = self else { return true }
        return filter.matches(publication.metadata?.tags ?? .none)
    }
}

extension Selection? {
    /// Whether a subscription gets this publication.
    func takes(_ publication: Publication) -> Bool { self?.takes(publication) ?? true }
}
