import ArgumentParser
import FanfareServer

/// `fanfare token`.
struct Token: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Makes tokens for a try, and says what a node would make of one.",
        subcommands: [TokenCreate.self, TokenCheck.self])
}

/// `fanfare token create`.
struct TokenCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Makes a token and prints it.",
        discussion: """
            Signs with the first secret of token-hmac-secret, from wherever serve would take it, or with the private key \
            of a PEM file. Backends make their tokens with the JWT library of their language.

              fanfare token create --user 42 --expires-in 1h
              fanfare token create --user 42 --for-channel '$private'
            """)

    @Option(help: "The user's id (sub).") var user: String?
    @Option(help: "How long it is valid, as in 30s, 10m or 1h; 0: for ever.") var expiresIn = "1h"
    @Option(help: "Make a subscription token for this channel instead of a connection token.") var forChannel: String?
    @Option(help: "Subscribe the client to this channel by itself; may be there several times.") var channel: [String] =
        []
    @Option(help: "JSON that others see beside the user.") var info: String?
    @Option(help: "More claims as a JSON object; they win over the others.") var claims: String?
    @Option(help: "PEM file of a private key; without it token-hmac-secret signs.") var privateKeyFile: String?
    @Option(help: "HS256, HS384 or HS512 with a secret; a private key has its own.") var algorithm = "HS256"
    @Option(help: "Name of the key (kid) for a key set.") var keyId: String?
    @OptionGroup var options: SettingOptions

    func run() async throws {
        let request = TokenRequest(
            user: user, expiresIn: expiresIn, forChannel: forChannel, channels: channel, info: info, claims: claims,
            privateKeyFile: privateKeyFile, algorithm: algorithm, keyID: keyId)
        let configuration = try await options.read().configuration
        do {
            print(try await request.make(configuration))
        } catch let problem as TokenToolProblem {
            throw Exit.failed("\(problem)", code: .failure)
        }
    }
}

/// `fanfare token check`.
struct TokenCheck: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Says whether a node with these settings would believe a token, why not, and what it says.",
        discussion: """
            Takes the same options as serve. The token comes from standard input, so that nobody sees it in the list of \
            processes. Ends with status 0 when it would be believed and with 1 when not.

              fanfare token create --user 42 | fanfare token check
            """)

    @OptionGroup var options: SettingOptions

    func run() async throws {
        let configuration = try await options.read().configuration
        guard let line = readLine(), let token = line.split(separator: " ").first else {
            throw Exit.failed("no token on standard input", code: .failure)
        }
        do {
            let report = try await TokenReport(String(token), configuration)
            print(report.text)
            if !report.isValid { throw ExitCode.failure }
        } catch let problem as TokenToolProblem {
            throw Exit.failed("\(problem)", code: .failure)
        }
    }
}
