import FanfareCore

/// Why a token is not believed: the reason that is counted, and for whoever made the token what is wrong with which claim.
struct TokenProblem: Error {
    let refusal: TokenRefusal
    /// Names the claim; never quotes what it holds.
    let detail: String?

    init(_ refusal: TokenRefusal, _ detail: String? = nil, isUndecided: Bool = false) {
        self.refusal = refusal
        self.isUndecided = isUndecided
        self.detail = detail
    }

    /// Nothing is decided: the token's key may be in the key set by now.
    static let undecided = TokenProblem(.keyPending, isUndecided: true)

    let isUndecided: Bool

    /// A claim that can't be read.
    ///
    /// - Parameter problem: goes on after the claim's name.
    static func claim(_ name: String, _ problem: String) -> TokenProblem {
        TokenProblem(.claims, "the claim '\(name)' \(problem)")
    }
}
