#define rand	pan_rand
#define pthread_equal(a,b)	((a)==(b))
#if defined(HAS_CODE) && defined(VERBOSE)
	#ifdef BFS_PAR
		bfs_printf("Pr: %d Tr: %d\n", II, t->forw);
	#else
		cpu_printf("Pr: %d Tr: %d\n", II, t->forw);
	#endif
#endif
	switch (t->forw) {
	default: Uerror("bad forward move");
	case 0:	/* if without executable clauses */
		continue;
	case 1: /* generic 'goto' or 'skip' */
		IfNotBlocked
		_m = 3; goto P999;
	case 2: /* generic 'else' */
		IfNotBlocked
		if (trpt->o_pm&1) continue;
		_m = 3; goto P999;

		 /* PROC next */
	case 3: // STATE 3 - h.pml:57 - [D_STEP57]
		if (!(boq == -1 &&  !(((((int)now.a)& ~(0))==0))))
			continue;

		reached[0][3] = 1;
		reached[0][t->st] = 1;
		reached[0][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_000_0: /* 2 */
		if (!( !(((((int)now.a)& ~(0))==0))))
			Uerror("block in d_step seq");
S_001_0: /* 2 */
		spin_assert(((((int)now.a)& ~(0))==0), "((a& ~(0))==0)", II, tt, t);
		goto S_040_0;
S_040_0: /* 1 */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 4: // STATE 8 - h.pml:23 - [D_STEP23]
		if (!(boq == -1 && (((int)now.at_MIGRATION)==0)))
			continue;

		reached[0][8] = 1;
		reached[0][t->st] = 1;
		reached[0][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_003_0: /* 2 */
		if (!((((int)now.at_MIGRATION)==0)))
			Uerror("block in d_step seq");
S_004_0: /* 2 */
		now.a = (((int)now.a)|1);
#ifdef VAR_RANGES
		logval("a", ((int)now.a));
#endif
		;
S_005_0: /* 2 */
		now.at_MIGRATION = 1;
#ifdef VAR_RANGES
		logval("at_MIGRATION", ((int)now.at_MIGRATION));
#endif
		;
S_006_0: /* 2 */
		Printf("go.a/b by MIGRATION: page %d\n", 1);
		goto S_040_0; /* ';' */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 5: // STATE 14 - h.pml:23 - [D_STEP23]
		if (!(boq == -1 && (((int)now.at_MIGRATION)==0)))
			continue;

		reached[0][14] = 1;
		reached[0][t->st] = 1;
		reached[0][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_009_0: /* 2 */
		if (!((((int)now.at_MIGRATION)==0)))
			Uerror("block in d_step seq");
S_010_0: /* 2 */
		now.a = (((int)now.a)|2);
#ifdef VAR_RANGES
		logval("a", ((int)now.a));
#endif
		;
S_011_0: /* 2 */
		now.at_MIGRATION = 1;
#ifdef VAR_RANGES
		logval("at_MIGRATION", ((int)now.at_MIGRATION));
#endif
		;
S_012_0: /* 2 */
		Printf("go.a/b by MIGRATION: page %d\n", 2);
		goto S_040_0; /* ';' */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 6: // STATE 20 - h.pml:31 - [D_STEP31]
		if (!(boq == -1 && (((int)now.at_VGA)==0)))
			continue;

		reached[0][20] = 1;
		reached[0][t->st] = 1;
		reached[0][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_015_0: /* 2 */
		if (!((((int)now.at_VGA)==0)))
			Uerror("block in d_step seq");
S_016_0: /* 2 */
		now.a = (((int)now.a)|1);
#ifdef VAR_RANGES
		logval("a", ((int)now.a));
#endif
		;
S_017_0: /* 2 */
		now.at_VGA = 1;
#ifdef VAR_RANGES
		logval("at_VGA", ((int)now.at_VGA));
#endif
		;
S_018_0: /* 2 */
		Printf("go.a/b by VGA: page %d\n", 1);
		goto S_040_0; /* ';' */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 7: // STATE 26 - h.pml:31 - [D_STEP31]
		if (!(boq == -1 && (((int)now.at_VGA)==0)))
			continue;

		reached[0][26] = 1;
		reached[0][t->st] = 1;
		reached[0][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_021_0: /* 2 */
		if (!((((int)now.at_VGA)==0)))
			Uerror("block in d_step seq");
S_022_0: /* 2 */
		now.a = (((int)now.a)|2);
#ifdef VAR_RANGES
		logval("a", ((int)now.a));
#endif
		;
S_023_0: /* 2 */
		now.at_VGA = 1;
#ifdef VAR_RANGES
		logval("at_VGA", ((int)now.at_VGA));
#endif
		;
S_024_0: /* 2 */
		Printf("go.a/b by VGA: page %d\n", 2);
		goto S_040_0; /* ';' */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 8: // STATE 32 - h.pml:39 - [D_STEP39]
		if (!(boq == -1 && (((int)now.at_MIGRATION)==1)))
			continue;

		reached[0][32] = 1;
		reached[0][t->st] = 1;
		reached[0][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_027_0: /* 2 */
		if (!((((int)now.at_MIGRATION)==1)))
			Uerror("block in d_step seq");
S_028_0: /* 2 */
		now.a = 0;
#ifdef VAR_RANGES
		logval("a", ((int)now.a));
#endif
		;
S_029_0: /* 2 */
		now.at_MIGRATION = 0;
#ifdef VAR_RANGES
		logval("at_MIGRATION", ((int)now.at_MIGRATION));
#endif
		;
S_030_0: /* 2 */
		Printf("go.two by MIGRATION\n");
		goto S_040_0; /* ';' */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 9: // STATE 38 - h.pml:47 - [D_STEP47]
		if (!(boq == -1 && (((int)now.at_VGA)==1)))
			continue;

		reached[0][38] = 1;
		reached[0][t->st] = 1;
		reached[0][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_033_0: /* 2 */
		if (!((((int)now.at_VGA)==1)))
			Uerror("block in d_step seq");
S_034_0: /* 2 */
		now.a = 0;
#ifdef VAR_RANGES
		logval("a", ((int)now.a));
#endif
		;
S_035_0: /* 2 */
		now.at_VGA = 0;
#ifdef VAR_RANGES
		logval("at_VGA", ((int)now.at_VGA));
#endif
		;
S_036_0: /* 2 */
		Printf("go.two by VGA\n");
		goto S_040_0; /* ';' */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 10: // STATE 43 - h.pml:65 - [-end-] (0:0:0 - 1)
		IfNotBlocked
		reached[0][43] = 1;
		if (!delproc(1, II)) continue;
		_m = 3; goto P999; /* 0 */
	case  _T5:	/* np_ */
		if (!((!(trpt->o_pm&4) && !(trpt->tau&128))))
			continue;
		/* else fall through */
	case  _T2:	/* true */
		_m = 3; goto P999;
#undef rand
	}

