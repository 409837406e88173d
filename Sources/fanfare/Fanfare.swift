import ArgumentParser
@main struct Fanfare: ParsableCommand {}
